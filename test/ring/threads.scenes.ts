/** Scenes for threads of their own: what another thread may do with a ring. */
import { SyscallError } from '../../lib/errors.ts';
import { Ring } from '../../lib/faces/ring.ts';
import { registerProbe } from '../../lib/register/instance.ts';
import { registerEnableRings } from '../../lib/register/limits.ts';
import { enter } from '../../lib/ring/core/setup.ts';

/** The errno's name; `'none'` where the call succeeds. */
function code(call: () => unknown): string {
  try {
    call();
    return 'none';
  } catch (error) {
    if (error instanceof SyscallError) return error.code;
    throw error;
  }
}

/** Asks and enters a ring by its fd. */
export function useForeignRing(fd: number): unknown {
  return { register: code(() => registerProbe(fd)), enter: code(() => enter(fd, { toSubmit: 1 })) };
}

/** The same, after enabling it. */
export function enableForeignRing(fd: number): unknown {
  registerEnableRings(fd);
  const { register, enter } = Object(useForeignRing(fd));
  return { enable: 0, register, enter };
}

/** Asks and enters by a registered index; before that makes a ring, if told to. */
export function useIndex(scene: { readonly index: number; readonly hasRing: boolean }): unknown {
  const ring = { registeredIndex: scene.index };
  if (scene.hasRing) new Ring(2);
  return { register: code(() => registerProbe(ring)), enter: code(() => enter(ring)) };
}
