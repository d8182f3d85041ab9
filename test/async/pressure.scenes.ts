/** A scene for a process of its own: node:test's async hooks make every promise several times slower. */
import { AsyncRing } from '../../lib/faces/async-ring.ts';
import { alloc } from '../../lib/sys/memory.ts';

const SLICES = 10;
const SLICE_MS = 100;
/** How long a turn with 256 cached reads takes about. */
const TURN_MS = 0.25;

/** How often a timer of 5 ms fires in a tenth of a second. */
async function ticks(): Promise<number> {
  let count = 0;
  const timer = setInterval(() => count++, 5);
  await new Promise((resolve) => setTimeout(resolve, SLICE_MS));
  clearInterval(timer);
  return count;
}

/** The same while every turn of the loop has something to do. */
async function ticksWhileSpinning(): Promise<number> {
  let isOver = false;
  const spin = (): void => {
    for (const end = performance.now() + TURN_MS; performance.now() < end; );
    if (!isOver) setImmediate(spin);
  };
  spin();
  const count = await ticks();
  isOver = true;
  return count;
}

/** How often a timer fires in a second: on an idle loop, on one that is busy, and with 256 cached reads always in flight. */
export async function timers(path: string): Promise<{ [name: string]: number }> {
  const ring = new AsyncRing(256);
  const file = await ring.open(path);
  const pages = Array.from({ length: 256 }, () => alloc(4096));
  let idle = 0;
  let spinning = 0;
  let reading = 0;
  let reads = 0;
  // in turns: others use the machine too
  for (let slice = 0; slice < SLICES; slice++) {
    idle += await ticks();
    spinning += await ticksWhileSpinning();
    let isOver = false;
    const lanes = pages.map(async (page) => {
      for (; !isOver; reads++) await ring.read(file, page, { offset: (reads % 16) * 4096 });
    });
    reading += await ticks();
    isOver = true;
    await Promise.all(lanes);
  }
  await file.close();
  ring.close();
  return { idle, spinning, reading, reads };
}
