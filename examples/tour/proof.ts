/** A proof of one opcode: what it is, and what comes of it. */
import { probe, SyscallError, UnsupportedError } from 'uring';
import { constants, type RegisterOpName, registerOps } from 'uring/structs';
import { pause, type Scratch } from './kit.ts';

const MOST_TRIES = 50;
const PAUSE_MS = 10;

/** Uses the opcode, checks its effect, and says in a few words what was seen; throws where the effect is missing. */
export type Proof = (scratch: Scratch) => string;

/** Proofs by the name of what they prove. */
export type Proofs = { readonly [K in RegisterOpName | 'USE_REGISTERED_RING']?: Proof };

/** What came of a proof. */
export type Verdict = 'proved' | 'needs-kernel' | 'needs-hardware' | 'needs-privilege' | 'failed';

/** One row of the table. */
export interface Row {
  readonly value: number;
  readonly name: RegisterOpName | 'USE_REGISTERED_RING';
  readonly member: string;
  readonly since: string;
}

/** A row with what came of its proof. */
export interface Result extends Row {
  readonly verdict: Verdict;
  /** What was seen, or why it can't be seen here. */
  readonly evidence: string;
  readonly ms: number;
}

/** The opcodes, as the package's own table has them. */
export const opcodes: readonly Row[] = registerOps.map(({ value, name, member, since }) => ({
  value,
  name,
  member,
  since,
}));

/** The flag beside the opcodes: bit 31, the ring is named by its registered index. */
export const flag: Row = {
  value: constants.IORING_REGISTER_USE_REGISTERED_RING,
  name: 'USE_REGISTERED_RING',
  member: 'ringFd.closeFd',
  since: '6.3',
};

/** This host lacks what the proof needs: nothing is wrong. */
export class NotHere extends Error {
  readonly verdict: Exclude<Verdict, 'proved' | 'failed'>;

  constructor(verdict: NotHere['verdict'], why: string, options?: ErrorOptions) {
    super(why, options);
    this.verdict = verdict;
  }
}

type Outcome = Pick<Result, 'verdict' | 'evidence'>;

/** Does the kernel say that it has this? Its version is never asked. */
function isSupported({ name }: Row): boolean | undefined {
  const { register, features } = probe();
  return (name === 'USE_REGISTERED_RING' ? features.FEAT_REG_REG_RING : register[name]).supported;
}

function explain(error: unknown, row: Row): Outcome {
  if (error instanceof NotHere) return { verdict: error.verdict, evidence: error.message };
  // unless the kernel has just said that it has this very opcode
  if (error instanceof UnsupportedError && !(error.need === row.name && isSupported(row))) {
    return { verdict: 'needs-kernel', evidence: error.message };
  }
  if (error instanceof SyscallError && (error.code === 'EPERM' || isOutOfMemory(error))) {
    return { verdict: 'needs-privilege', evidence: `${error.code}: ${error.hint ?? error.message}` };
  }
  return { verdict: 'failed', evidence: error instanceof Error ? error.message : String(error) };
}

/** Is locked memory used up? */
function isOutOfMemory(error: unknown): boolean {
  return error instanceof SyscallError && error.code === 'ENOMEM' && error.hint !== undefined;
}

/** What went wrong first: where `using` then failed to clean up, too, it hides that. */
function first(error: unknown): unknown {
  return error instanceof Error && 'suppressed' in error ? first(error.suppressed) : error;
}

/** Runs a proof; where locked memory is scarce again and again: that of closed rings comes back a little later. */
function patiently(proof: Proof, scratch: Scratch): string {
  for (let tries = 0; ; tries++) {
    try {
      return proof(scratch);
    } catch (error) {
      if (tries === MOST_TRIES || !isOutOfMemory(first(error))) throw error;
      pause(PAUSE_MS);
    }
  }
}

function attempt(row: Row, proof: Proof | undefined, scratch: Scratch): Outcome {
  if (proof === undefined) return { verdict: 'failed', evidence: 'the tour has no proof of it' };
  if (isSupported(row) === false) return { verdict: 'needs-kernel', evidence: '' };
  try {
    return { verdict: 'proved', evidence: patiently(proof, scratch) };
  } catch (error) {
    return explain(first(error), row);
  }
}

/** Runs a row's proof. */
export function prove(row: Row, proofs: Proofs, scratch: Scratch): Result {
  const start = performance.now();
  const outcome = attempt(row, proofs[row.name], scratch);
  return { ...row, ...outcome, ms: performance.now() - start };
}
