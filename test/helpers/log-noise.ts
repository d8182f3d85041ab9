/** Feeds `uring decode` with logs in which there is nothing to find, and looks at its memory. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { startUring } from './cli.ts';

const MIB = 2 ** 20;

/** Lines that fill a mebibyte. */
const filled = (line: string) => line.repeat(MIB / line.length);
const EVENT = filled('{"eventName":"openat","args":[{"name":"pathname","value":"/etc/passwd"}]}\n');
const CALL = filled('[pid 77] write(2, "io_uring_register(3, IORING_REGISTER_FILES)", 43) = 43\n');

/** A mebibyte each: no text, a line without end, other events, other calls. */
const KINDS: readonly (() => string | Buffer)[] = [
  () => randomBytes(MIB),
  () => Buffer.alloc(MIB),
  () => EVENT,
  () => CALL,
];

/** Resolves when the stream has said `text`. */
async function said(stream: NodeJS.ReadableStream, text: string): Promise<void> {
  let tail = '';
  for (;;) {
    const [chunk]: unknown[] = await once(stream, 'data');
    tail = `${tail}${chunk}`;
    if (tail.includes(text)) return;
    tail = tail.slice(-text.length);
  }
}

/** The most memory that the command had after a call, and after a call behind all of the noise, in MiB. */
export async function decodeNoise(mebibytes: number): Promise<{ first: number; last: number }> {
  const child = startUring(['decode']);
  try {
    const { stdin, stdout, stderr } = child;
    assert.ok(stdin && stdout && stderr);
    stderr.resume();
    const peakAfter = async (fd: number): Promise<number> => {
      stdin.write(`\nio_uring_register(${fd}, IORING_UNREGISTER_FILES, NULL, 0) = 0\n`);
      await said(stdout, `(${fd}, IORING_UNREGISTER_FILES, NULL, 0) = 0`);
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1]) / 1024;
    };
    const first = await peakAfter(1);
    stdout.resume();
    for (let i = 0; i < mebibytes; i++) {
      const piece = KINDS[Math.floor((i * KINDS.length) / mebibytes)]?.() ?? '';
      if (!stdin.write(piece)) await once(stdin, 'drain');
    }
    const last = await peakAfter(2);
    const closed = once(child, 'close');
    stdin.end();
    assert.deepEqual(await closed, [0, null]);
    return { first, last };
  } finally {
    child.kill('SIGKILL');
  }
}
