/** What the commands take on their command lines, checked. */
import { InvalidArgumentError } from 'commander';
import { opcodeByName } from '../host/call.ts';
import { MAX_OPERATION, type OperationStepName, operationByName, STEPS } from '../host/operations.ts';
import { MAX_OPCODE } from '../host/trace.ts';

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

/** What each word stands for. */
function several<T>(text: string, allowed: string, find: (word: string) => T | undefined): T[] {
  return text.split(',').map((word) => {
    const found = find(word);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`it is ${allowed}; several with commas`);
  });
}

/** Numbers or names of opcodes. */
function codes(text: string, example: string, byName: typeof opcodeByName, most: number): number[] {
  return several(text, `a name, such as ${example}, or a number`, (word) => {
    const value = byName(word);
    return value !== undefined && value <= most ? value : undefined;
  });
}

export const parseOpcodes = (text: string): number[] =>
  codes(text, 'REGISTER_BUFFERS', opcodeByName, MAX_OPCODE);

export const parseOperations = (text: string): number[] =>
  codes(text, 'OP_READ', operationByName, MAX_OPERATION);

export function parseSteps(text: string): OperationStepName[] {
  if (text === 'all') return [...STEPS];
  return several(text, `all, or of ${STEPS.join(', ')}`, (word) => STEPS.find((each) => each === word));
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
