/** What the commands take on their command lines, checked. */
import { InvalidArgumentError } from 'commander';
import { opcodeByName } from '../host/call.ts';
import { type OperationStepName, operationByName } from '../host/operations.ts';

const MAX_PID = 0x3f_ffff;
/** setTimeout takes no more. */
const MAX_SECONDS = 0x7fff_ffff / 1000;

/** A whole number between these. */
export function number(text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new InvalidArgumentError(`it is a number from ${least} to ${most}`);
}

/** The kernel's buffer for each cpu. */
export const parseKib = (text: string): number => number(text, 1, 1 << 20);

export const parsePids = (text: string): number[] => text.split(',').map((each) => number(each, 1, MAX_PID));

export function parseOpcodes(text: string): number[] {
  return text.split(',').map((name) => {
    const value = opcodeByName(name);
    if (value !== undefined && value <= 0x7fff_ffff) return value;
    throw new InvalidArgumentError(
      'it is a name, such as REGISTER_BUFFERS, or a number; several with commas',
    );
  });
}

export function parseOperations(text: string): number[] {
  return text.split(',').map((name) => {
    const value = operationByName(name);
    if (value !== undefined && value <= 255) return value;
    throw new InvalidArgumentError('it is a name, such as OP_READ, or a number; several with commas');
  });
}

/** Everything that can be told of an operation. */
export const STEPS: readonly OperationStepName[] = [
  'submit',
  'complete',
  'punt',
  'arm',
  'wake',
  'cut',
  'refuse',
  'overflow',
  'work',
];

export function parseSteps(text: string): OperationStepName[] {
  if (text === 'all') return [...STEPS];
  return text.split(',').map((name) => {
    const step = STEPS.find((each) => each === name);
    if (step !== undefined) return step;
    throw new InvalidArgumentError(`it is all, or of ${STEPS.join(', ')}; several with commas`);
  });
}

export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && seconds > 0 && seconds <= MAX_SECONDS) return seconds;
  throw new InvalidArgumentError('it is a number of seconds above 0');
}

export function parseComm(text: string): string {
  if (text.length >= 1 && text.length <= 64) return text;
  throw new InvalidArgumentError('it has 1 to 64 characters');
}
