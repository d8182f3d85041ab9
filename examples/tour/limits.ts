/** Credentials, restrictions and filters: opcodes 9, 10, 11, 12, 37. */
import { type Personality, Ring } from 'uring';
import { nop, registerPersonality, unregisterPersonality } from 'uring/raw';
import { OpenFile, RawRing, refusal, result, same } from './kit.ts';
import { NotHere, type Proofs } from './proof.ts';

/** Whoever we are, one of them is somebody else. */
const OTHERS = [65_534, 65_533];

/** Runs `action` as somebody else; the whole process is somebody else meanwhile. */
function asSomebodyElse<T>(action: () => T): T {
  const { geteuid, seteuid } = process;
  if (geteuid === undefined || seteuid === undefined) throw new Error('this system has no users');
  const me = geteuid();
  try {
    seteuid(OTHERS.find((uid) => uid !== me) ?? 0);
  } catch (error) {
    throw new NotHere('needs-privilege', 'CAP_SETUID, to act as somebody else and see it', {
      cause: error,
    });
  }
  try {
    return action();
  } finally {
    seteuid(me);
  }
}

/** Opens a path by the ring, and closes it again; `'opened'`, or the errno's name. */
function tryOpen(ring: Ring, path: string, personality?: Personality): string {
  ring.prepare.openat(path, personality && { personality });
  const opened = result(ring);
  if (typeof opened === 'string') return opened;
  new OpenFile(opened).close();
  return 'opened';
}

export const limits = {
  REGISTER_PERSONALITY: (scratch) => {
    using ring = new Ring(8);
    const path = scratch.file('secret', 'for its owner', 0o600);
    using me = ring.registerPersonality();
    asSomebodyElse(() => {
      same('opening as somebody else', tryOpen(ring, path), '-EACCES');
      same('opening as who registered', tryOpen(ring, path, me), 'opened');
    });
    return "nobody opens root's file with it; EACCES without";
  },

  UNREGISTER_PERSONALITY: () => {
    using ring = new RawRing();
    const id = registerPersonality(ring.fd);
    const act = () => ring.run((sqe) => Object.assign(nop(sqe), { personality: id }));
    same('a NOP with it', act(), 0);
    unregisterPersonality(ring.fd, id);
    same('a NOP with it afterwards', act(), '-EINVAL');
    return `a NOP as ${id} ended well before, with EINVAL now`;
  },

  REGISTER_RESTRICTIONS: () => {
    using ring = new Ring(8, { disabled: true });
    ring.registerRestrictions({ ops: ['OP_NOP'] });
    ring.enable();
    ring.prepare.nop();
    same('the operation on the list', result(ring), 0);
    ring.prepare.timeout({ afterMs: 0 });
    same('another one', result(ring), '-EACCES');
    same(
      'a register call',
      refusal(() => ring.registerFiles([0])),
      'EACCES',
    );
    return 'NOP allowed; TIMEOUT and REGISTER_FILES: EACCES';
  },

  REGISTER_ENABLE_RINGS: () => {
    using ring = new Ring(8, { disabled: true });
    ring.prepare.nop();
    same(
      'submitting while disabled',
      refusal(() => ring.submit()),
      'EBADFD',
    );
    ring.enable();
    same('the NOP', result(ring), 0);
    return 'submit: EBADFD before, the same NOP runs after';
  },

  REGISTER_BPF_FILTER: () => {
    using ring = new Ring(8);
    ring.registerBpfFilter({ op: 'OP_NOP', filter: 'deny' });
    ring.prepare.nop();
    same('the filtered operation', result(ring), '-EACCES');
    ring.prepare.timeout({ afterMs: 0 });
    same('another one', result(ring), '-ETIME');
    return 'NOP: EACCES by the filter; TIMEOUT runs';
  },
} satisfies Proofs;
