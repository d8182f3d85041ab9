import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { type EventReader, type KernelEvent, SOURCES } from '../../lib/host/trace/events.ts';
import { parseCpuList, parsePageSize, parseStats } from '../../lib/host/trace/format.ts';
import { Merge } from '../../lib/host/trace/merge.ts';
import { PageEvents } from '../../lib/host/trace/page.ts';

const FIXTURES = new URL('../fixtures/observe/', import.meta.url);
const fixture = (name: string): string => readFileSync(new URL(name, FIXTURES), 'utf8');

const FORMATS = fixture('tracefs-event-formats-6.18.txt');
/** The pages were recorded at another boot than the formats, with other ids. */
const RECORDED_IDS = new Map([
  ['syscalls/sys_enter_io_uring_register', 0x867],
  ['syscalls/sys_exit_io_uring_register', 0x866],
  ['io_uring/io_uring_register', 0x864],
  ['io_uring/io_uring_create', 0x865],
]);

/** A format of the fixture, with the id that the pages have. */
function formatOf(path: string): string | undefined {
  const id = RECORDED_IDS.get(path);
  const name = path.slice(path.indexOf('/') + 1);
  const found = FORMATS.split(/(?=^name: )/m).find((each) => each.startsWith(`name: ${name}\n`));
  return id === undefined ? undefined : found?.replace(/^ID: \d+$/m, `ID: ${id}`);
}

function recordedReaders(): EventReader[] {
  return SOURCES.flatMap(({ paths: [path = ''], load }) => {
    const format = formatOf(path);
    const reader = format === undefined ? undefined : load(format);
    return reader === undefined ? [] : [reader];
  });
}

function recordedPages(): Uint8Array[] {
  return fixture('trace-pipe-raw-6.18-all-opcodes.hex')
    .split(/^# page \d+$/m)
    .slice(1)
    .map((hex) => Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex')));
}

/** A cpu that gives these pages. */
function reading(pages: readonly Uint8Array[]): (into: Uint8Array) => number {
  const left = [...pages];
  return (into) => {
    const page = left.shift();
    if (page === undefined) return -11;
    into.set(page.subarray(0, into.length));
    return Math.min(page.length, into.length);
  };
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** An event in the words of the fixture. */
function words(event: KernelEvent): string {
  const { time, tid } = event;
  const at = `${time} ${tid}`;
  if (event.step === 'exit') return `${at} exit ret=${event.ret}`;
  if (event.step === 'enter') {
    return event.call === 'setup'
      ? `${at} setup`
      : `${at} enter fd=${event.fd >>> 0} opcode=${event.opcode} arg=${hex(event.arg)} nr_args=${event.nrArgs}`;
  }
  return event.call === 'setup'
    ? `${at} io_uring_create ctx=${hex(event.ctx)} fd=${event.fd} sq=${event.sqEntries} cq=${event.cqEntries} flags=0x${event.flags.toString(16)}`
    : `${at} io_uring_register ctx=${hex(event.ctx)} opcode=${event.opcode} nr_files=${event.nrFiles} nr_bufs=${event.nrBufs} ret=${event.ret}`;
}

/** Everything that is in these pages. */
function decodeAll(pages: readonly Uint8Array[], readers = recordedReaders()) {
  const events: KernelEvent[] = [];
  let gaps = 0;
  const merge = new Merge(readers, 4096, 0n, {
    event: (event) => events.push(event),
    gap: () => gaps++,
  });
  merge.add(0, reading(pages));
  const found = merge.run(Number.POSITIVE_INFINITY, () => true);
  return { events, gaps, found, counted: merge.events, malformed: merge.malformed };
}

/** A page of a kernel: little-endian words after the head. */
function page(data: readonly number[], { stamp = 1000n, flags = 0 } = {}): Uint8Array {
  const bytes = new Uint8Array(4096);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, stamp, true);
  view.setUint32(8, ((data.length * 4) | flags) >>> 0, true);
  // as the kernel extends the sign of its long
  if (flags !== 0) view.setUint32(12, 0xffff_ffff, true);
  for (const [i, word] of data.entries()) view.setUint32(16 + 4 * i, word, true);
  return bytes;
}

function found(bytes: Uint8Array) {
  const events = new PageEvents(4096);
  events.decode(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), bytes.length, 0n);
  const { count, times, offsets, lengths, hasGap, isDamaged } = events;
  const list = Array.from({ length: count }, (_, i) => [times[i], offsets[i], lengths[i]]);
  return { list, hasGap, isDamaged };
}

test('a page that is cut, or that says more than it holds, is damaged', () => {
  assert.deepEqual(found(new Uint8Array(15)), { list: [], hasGap: false, isDamaged: true });
  const long = page([]);
  new DataView(long.buffer).setUint32(8, 4081, true);
  assert.deepEqual(found(long), { list: [], hasGap: false, isDamaged: true });
  // a record of 112 bytes in a page of 8
  assert.deepEqual(found(page([28, 0])), { list: [], hasGap: false, isDamaged: true });
  // a second word that isn't there, and a length that does not count itself
  assert.equal(found(page([30])).isDamaged, true);
  assert.equal(found(page([0, 3])).isDamaged, true);
});

test('short and long records, extended and absolute times, padding', () => {
  const bytes = page([
    ...[(5 << 5) | 1, 7],
    ...[0 | (1 << 5), 12, 7, 7],
    ...[30 | (3 << 5), 2],
    ...[29 | (1 << 5), 8, 0],
    ...[2, 7, 7],
    ...[31 | (9 << 5), 1],
    ...[1, 7],
    29,
    1,
  ]);
  const extended = 1006 + 3 + 2 * 2 ** 27 + 1;
  assert.deepEqual(found(bytes), {
    list: [
      [1005, 20, 4],
      [1006, 32, 8],
      [extended, 64, 8],
      [9 + 2 ** 27, 84, 4],
    ],
    hasGap: false,
    isDamaged: false,
  });
});

test('a gap before a page is seen, whatever stands in the upper half of its length', () => {
  assert.deepEqual(found(page([1, 7], { flags: 0x8000_0000 })), {
    list: [[1000, 20, 4]],
    hasGap: true,
    isDamaged: false,
  });
});

test('the recorded pages give the recorded events', () => {
  const { events, ...rest } = decodeAll(recordedPages());
  const expected = fixture('trace-pipe-raw-6.18-all-opcodes.expected.txt')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  assert.deepEqual(events.map(words), expected);
  assert.equal(expected.length, 122);
  assert.deepEqual(rest, { gaps: 0, found: 'empty', counted: 122, malformed: 0 });
});

test('whatever a page holds, it is decoded or counted', () => {
  const recorded = recordedPages();
  const anyPage = fc.oneof(
    fc.uint8Array({ minLength: 0, maxLength: 4096, size: 'max' }),
    // words that mean something to us, wrong in a few places
    fc
      .tuple(
        fc.constantFrom(...recorded),
        fc.array(fc.tuple(fc.nat(4095), fc.nat(255)), { minLength: 1, maxLength: 40 }),
      )
      .map(([source, changes]) => {
        const copy = source.slice();
        for (const [i, byte] of changes) copy[i] = byte;
        return copy;
      }),
    fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { maxLength: 1000 }).map((data) => page(data)),
  );
  fc.assert(
    fc.property(fc.array(anyPage, { maxLength: 3 }), (pages) => {
      const { events, counted, malformed, found: end } = decodeAll(pages);
      assert.equal(end, 'empty');
      assert.ok(events.length <= counted);
      // every event is told or counted, and so is a page that can't be read to its end
      assert.ok(malformed >= counted - events.length);
      assert.ok(malformed <= counted - events.length + pages.length);
      for (const { time } of events) assert.ok(Number.isSafeInteger(time) || Math.abs(time) > 2 ** 53);
    }),
    { numRuns: 300 },
  );
});

test('an event that is shorter than its format is counted, not read beyond its end', () => {
  const [enter] = recordedReaders();
  assert.ok(enter);
  const { events, malformed } = decodeAll([page([1, enter.id])]);
  assert.deepEqual([events, malformed], [[], 1]);
});

test('a format that lacks a field, has it too narrow, or is no format at all is refused', () => {
  const source = SOURCES.find(({ paths }) => paths[0] === 'syscalls/sys_enter_io_uring_register');
  const format = formatOf('syscalls/sys_enter_io_uring_register');
  assert.ok(source && format);
  assert.ok(source.load(format));
  assert.equal(source.load(''), undefined);
  assert.equal(source.load(format.replace('opcode', 'op')), undefined);
  assert.equal(source.load(format.replace('offset:32;	size:8', 'offset:32;	size:4')), undefined);
  assert.equal(source.load(format.replace(/^ID: \d+$/m, 'ID: 70000')), undefined);
  assert.equal(source.load(format.replace(/^ID.*$/m, '')), undefined);
});

test('a format of an older kernel, with a field more, is read by its offsets', () => {
  const source = SOURCES.find(({ paths }) => paths[0] === 'io_uring/io_uring_register');
  const format = formatOf('io_uring/io_uring_register');
  assert.ok(source && format);
  const older = format
    .replace('offset:32;	size:8', 'offset:40;	size:8')
    .replace('	field:long ret', '	field:bool eventfd;	offset:32;	size:1;	signed:0;\n	field:long ret');
  const view = new DataView(new ArrayBuffer(48));
  view.setInt32(40, -22, true);
  const event = source.load(older)?.read(view, 0, 1, 0);
  assert.ok(event?.step === 'ring' && event.call === 'register');
  assert.equal(event.ret, -22);
});

test('no text makes a parser throw', () => {
  const lines = fc.constantFrom(
    ...FORMATS.split('\n'),
    'overrun: 1',
    'entries: 99999999999999999999',
    'ID: x',
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(lines, { maxLength: 30 }).map((each) => each.join('\n')),
  );
  fc.assert(
    fc.property(text, (each) => {
      for (const { load } of SOURCES) load(each);
      parsePageSize(each);
      const stats = parseStats(each);
      if (stats !== undefined)
        assert.ok(Number.isSafeInteger(stats.lost) && Number.isSafeInteger(stats.entries));
      for (const cpu of parseCpuList(each)) assert.ok(Number.isInteger(cpu));
    }),
  );
});

test('counters, page sizes and lists of cpus', () => {
  const stats = 'entries: 5\noverrun: 7\ncommit overrun: 1\nbytes: 9\ndropped events: 2\nread events: 3\n';
  assert.deepEqual(parseStats(stats), { lost: 10, entries: 5 });
  assert.equal(parseStats(stats.replace('overrun: 7', 'overrun: many')), undefined);
  assert.equal(parsePageSize(FORMATS), 4096);
  assert.equal(parsePageSize(''), undefined);
  assert.deepEqual(parseCpuList('0-2,5\n'), [0, 1, 2, 5]);
  assert.deepEqual(parseCpuList('2-1,x'), []);
});
