/** Which calls are wanted, in the kernel's words and in ours: the kernel leaves out what it can, we look again. */
import type { EventSource } from './events.ts';

/** Which calls are wanted. */
export interface Wanted {
  readonly opcodes: ReadonlySet<number> | undefined;
  /** `*` stands for any text, `?` for any character. */
  readonly comm: string | undefined;
  readonly failed: boolean;
}

const USE_REGISTERED_RING = 0x8000_0000;
/** In a filter these mean something, or end it. */
const SPECIAL = /[^\x20-\x7e]|["[\]\\]/;

/** The filter of an event, in the kernel's words; undefined for none. */
export function kernelFilter({ step, call }: EventSource, wanted: Wanted): string | undefined {
  const { opcodes, comm, failed } = wanted;
  const parts: string[] = [];
  if (opcodes !== undefined && call === 'register' && step !== 'exit') {
    const values = [...opcodes].flatMap((value) => [value, value + USE_REGISTERED_RING]);
    parts.push(`(${values.map((value) => `opcode == ${value}`).join(' || ')})`);
  }
  if (failed && (step === 'exit' || (step === 'ring' && call === 'register'))) parts.push('ret < 0');
  if (comm !== undefined && !SPECIAL.test(comm)) parts.push(`comm ~ "${comm}"`);
  return parts.length === 0 ? undefined : parts.join(' && ');
}

/** Matches what `comm` stands for. */
export function commPattern(comm: string): RegExp {
  const source = comm
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${source}$`, 'su');
}
