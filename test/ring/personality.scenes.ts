/** Scenes for a process of their own: seteuid(2) is for all threads of a process. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ring } from '../../lib/faces/ring.ts';
import { unregisterPersonality } from '../../lib/register/notify.ts';
import type { Personality } from '../../lib/ring/owners/personality.ts';
import { sys } from '../../lib/sys/syscall.ts';
import { result } from '../helpers/rings.ts';

const NOBODY = 65534;

function become(uid: number): void {
  assert.ok(process.seteuid);
  process.seteuid(uid);
}

/** Opens `path` by the ring: `'open'`, or minus the errno. */
function open(ring: Ring, path: string, personality?: Personality): number | 'open' {
  ring.prepare.openat(path, personality === undefined ? {} : { personality });
  const fd = result(ring);
  if (fd < 0) return fd;
  sys.close(fd);
  return 'open';
}

/** Whose credentials count when a file that only root may read is opened. */
export function openAsOthers(): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'uring-personality-'));
  const secret = join(folder, 'secret');
  writeFileSync(secret, 'root', { mode: 0o600 });
  const ring = new Ring(8);
  try {
    const root = ring.registerPersonality();
    const asRoot = { itself: open(ring, secret), withItsOwn: open(ring, secret, root) };
    become(NOBODY);
    const nobody = ring.registerPersonality();
    const asNobody = {
      itself: open(ring, secret),
      withItsOwn: open(ring, secret, nobody),
      withRoots: open(ring, secret, root),
    };
    become(0);
    const rootAgain = { itself: open(ring, secret), withNobodys: open(ring, secret, nobody) };
    nobody.unregister();
    root.unregister();
    return { asRoot, asNobody, rootAgain };
  } finally {
    ring.close();
    rmSync(folder, { recursive: true });
  }
}

/** What an operation gets whose personality the kernel no longer has, behind the owner's back. */
export function unknownPersonality(): unknown {
  const ring = new Ring(8);
  try {
    const personality = ring.registerPersonality();
    ring.prepare.nop({ personality });
    const before = result(ring);
    unregisterPersonality(ring.fd, 1);
    ring.prepare.nop({ personality });
    return { before, after: result(ring) };
  } finally {
    ring.close();
  }
}
