/**
 * Small mistakes that somebody could make, each with the tests that must notice. Where the code changes, change the text here: a mutation that
 * does not apply fails.
 */

/** A change of one place of the code that is wrong. */
export interface Mutation {
  readonly name: string;
  readonly file: string;
  /** The text that is replaced, once. */
  readonly from: string;
  readonly to: string;
  /** Tests whose path contains one of these are run. */
  readonly tests: readonly string[];
}

export const mutations: readonly Mutation[] = [
  {
    name: 'queues-extra-wrap',
    file: 'lib/ring/core/queues.ts',
    from: 'const at = half < this.#cqes + (this.cqEntries << this.#cqeShift) ? half : this.#cqes;',
    to: 'const at = half;',
    tests: ['ring/queues', 'ring/shapes', 'ring/resize'],
  },
  {
    name: 'queues-findroom-no-wrap',
    file: 'lib/ring/core/queues.ts',
    from: 'this.#sqLimit = (this.#sqTail + this.space) | 0;',
    to: 'this.#sqLimit = this.#sqTail + this.space;',
    tests: ['ring/counters', 'ring/queues', 'ring/submit', 'ring/faults'],
  },
  {
    name: 'queues-sizes-array',
    file: 'lib/ring/core/queues.ts',
    from: 'return { ring: Math.max(cqes, array),',
    to: 'return { ring: cqes,',
    tests: ['ring/queues', 'ring/shapes', 'ring/ring.test'],
  },
  {
    name: 'flights-former-le',
    file: 'lib/ring/core/flights.ts',
    from: '#age(payloadOf(high)) < this',
    to: '#age(payloadOf(high)) <= this',
    tests: ['ring/user-data', 'ring/reap', 'ring/buffers', 'ring/memory', 'ring/cancel'],
  },
  {
    name: 'flights-no-generation-mask',
    file: 'lib/ring/core/flights.ts',
    from: 'table[at] = ((table[at] ?? 0) + 1) & PAYLOAD;',
    to: 'table[at] = ((table[at] ?? 0) & PAYLOAD) + 1;',
    tests: ['ring/user-data'],
  },
  {
    name: 'core-counts-all-mixed',
    file: 'lib/ring/core/core.ts',
    from: 'return !this.tags.areOwed && !this.has(constants.IORING_SETUP_CQE_MIXED);',
    to: 'return !this.tags.areOwed;',
    tests: ['ring/queues', 'ring/shapes', 'ring/submit', 'ring/reap'],
  },
  {
    name: 'core-settle-etime',
    file: 'lib/ring/core/ending.ts',
    from: '[-EINTR, -EAGAIN, -EBUSY, -ETIME].includes(result)',
    to: '[-EAGAIN, -EBUSY, -ETIME].includes(result)',
    tests: ['ring/close', 'ring/faults', 'ring/memory'],
  },
  {
    name: 'core-refill-never',
    file: 'lib/ring/core/core.ts',
    from: 'return queues.isOverflowed && this.enter(',
    to: 'return false && this.enter(',
    tests: ['ring/reap', 'ring/submit', 'ring/queues'],
  },
  {
    name: 'core-owed-always',
    file: 'lib/ring/core/tags.ts',
    from: "if (tag?.state !== 'held' && this.#owed > 0) this.#owed--;",
    to: 'if (this.#owed > 0) this.#owed--;',
    tests: ['ring/user-data'],
  },
  {
    name: 'core-endings-order',
    file: 'lib/ring/core/ending.ts',
    from: '[...this.#endings].reverse()',
    to: '[...this.#endings]',
    tests: ['ring/close', 'ring/workers.test', 'ring/ring-fd', 'ring/buffer-ring', 'ring/napi'],
  },
  {
    name: 'loop-cancel-drain',
    file: 'lib/async/loop.ts',
    from: 'if (this.#hasDrains || core.hasRequiredFlags)',
    to: 'if (core.hasRequiredFlags)',
    tests: ['async/cancel', 'async/sandbox', 'async/timeout'],
  },
  {
    name: 'loop-fits-lt',
    file: 'lib/async/loop.ts',
    from: 'return needed <= queues.space ||',
    to: 'return needed < queues.space ||',
    tests: ['async/queue', 'async/pressure', 'async/chain'],
  },
  {
    name: 'loop-no-rest',
    file: 'lib/async/loop.ts',
    from: 'this.#core.queues.ready > 0 && performance.now() < this.#restAt',
    to: 'this.#core.queues.ready > 0',
    tests: ['async/life', 'async/pressure', 'async/rw', 'async/queue'],
  },
  {
    name: 'loop-ebusy',
    file: 'lib/async/loop.ts',
    from: 'result === -EAGAIN || result === -EBUSY || result === 0',
    to: 'result === -EAGAIN || result === 0',
    tests: ['async/pressure', 'async/broken', 'async/queue'],
  },
  {
    name: 'loop-entries-of',
    file: 'lib/async/loop.ts',
    from: 'if (group[i]?.timeoutMs !== undefined) count++;',
    to: '',
    tests: ['async/chain', 'async/timeout', 'async/queue'],
  },
  {
    name: 'loop-budget',
    file: 'lib/async/loop.ts',
    from: 'const BUDGET = 4096;',
    to: 'const BUDGET = 4_096_000;',
    tests: ['async/life', 'async/pressure', 'async/queue', 'async/messages'],
  },
  {
    name: 'call-index-16',
    file: 'lib/register/call.ts',
    from: 'ring.registeredIndex, 0, 15)',
    to: 'ring.registeredIndex, 0, 16)',
    tests: ['register/ring-fds', 'register/callers', 'register/members', 'register/every'],
  },
  {
    name: 'kit-offset-min',
    file: 'lib/operations/read.ts',
    from: '? Number(value) : value, -1, Number.MAX_SAFE_INTEGER);',
    to: '? Number(value) : value, -2, Number.MAX_SAFE_INTEGER);',
    tests: ['ring/prepare', 'async/rw', 'ops/'],
  },
  {
    name: 'rw-madvise-long',
    file: 'lib/ops/preparers.ts',
    from: 'IORING_OP_MADVISE, -1, address, length < HIGH ? length : 0, length < HIGH ? 0 : length',
    to: 'IORING_OP_MADVISE, -1, address, length, 0',
    tests: ['ops/bytes', 'ops/effect-rw', 'ops/every'],
  },
  {
    name: 'create-sqpoll-idle-default',
    file: 'lib/ring/core/plan.ts',
    from: '(sqe128 === true ? IORING_SETUP_SQE128 : 0) |',
    to: '(sqe128 === true && !noMmap ? IORING_SETUP_SQE128 : 0) |',
    tests: ['ring/shapes', 'ring/ring.test'],
  },
  {
    name: 'create-own-memory-cq',
    file: 'lib/ring/core/create.ts',
    from: 'Math.max(options.cqEntries ?? 0, 2 * sq), 65536',
    to: 'Math.max(0, 2 * sq), 65536',
    tests: ['ring/shapes', 'ring/ring.test'],
  },
  {
    name: 'create-wanted-order',
    file: 'lib/ring/core/plan.ts',
    from: 'optional.slice(skip).reduce',
    to: 'optional.slice(skip === 0 ? 0 : optional.length).reduce',
    tests: ['ring/faults', 'ring/ring.test', 'ring/shapes'],
  },
  {
    name: 'sandbox-seal',
    file: 'lib/ring/sandbox.ts',
    from: "isSealed || ops.has('OP_ASYNC_CANCEL') ? [] :",
    to: "ops.has('OP_ASYNC_CANCEL') ? [] :",
    tests: ['ring/sandbox', 'async/sandbox'],
  },
  {
    name: 'buffer-ring-bundle-more',
    file: 'lib/ring/owners/pool-buffers.ts',
    from: 'if (isLast || this.#room(id) === 0) {',
    to: 'if (isLast) {',
    tests: ['ring/buffer-ring', 'async/recv'],
  },
  {
    name: 'buffer-ring-offset-reset',
    file: 'lib/ring/owners/pool-buffers.ts',
    from: '    this.#offsets[id] = 0;\n',
    to: '',
    tests: ['ring/buffer-ring', 'async/recv'],
  },
  {
    name: 'buffers-clone-at',
    file: 'lib/ring/owners/buffers.ts',
    from: "integer('range.at', at, 0, MAX_BUFFERS - count);",
    to: "integer('range.at', at, 0, MAX_BUFFERS);",
    tests: ['ring/clone', 'register/clone'],
  },
  {
    name: 'memory-start-of-subclass',
    file: 'lib/sys/memory.ts',
    from: 'return start !== undefined && lengthOf(value) > 0 ?',
    to: 'return start !== undefined ?',
    tests: ['sys/', 'ring/memory', 'ring/prepare', 'ring/faults'],
  },
  {
    name: 'multishot-highwater',
    file: 'lib/async/multishot.ts',
    from: 'this.#results.length > this.#highWater / 2',
    to: 'this.#results.length > this.#highWater',
    tests: ['async/recv', 'async/accept', 'async/poll', 'async/timeout'],
  },
  {
    name: 'flight-deadline',
    file: 'lib/async/flight.ts',
    from: 'if (isStopped && performance.now() >= (this.extras',
    to: 'if (isStopped && 0 <= (this.extras',
    tests: ['async/chain', 'async/timeout', 'async/cancel'],
  },
  {
    name: 'flight-erestart',
    file: 'lib/async/flight.ts',
    from: '-res >= ERESTARTSYS && -res <= ERESTART_RESTARTBLOCK',
    to: '-res > ERESTARTSYS && -res < ERESTART_RESTARTBLOCK',
    tests: ['async/cancel', 'async/broken', 'async/signals'],
  },
  {
    name: 'fifo-compaction',
    file: 'lib/async/fifo.ts',
    from: 'if (this.#head > GONE && this.#head * 2 > this.#items.length)',
    to: 'if (false)',
    tests: ['async/messages', 'async/queue', 'async/pressure', 'async/recv'],
  },
  {
    name: 'support-passing',
    file: 'lib/register/support.ts',
    from: 'const PASSING: readonly number[] = [11, 12, 23, 24];',
    to: 'const PASSING: readonly number[] = [11, 12, 24];',
    tests: ['register/support'],
  },
  {
    name: 'ask-query-count',
    file: 'lib/register/ask.ts',
    from: 'return answer.nrRegisterOpcodes > constants.IORING_REGISTER_QUERY ? answer : undefined;',
    to: 'return answer;',
    tests: ['register/support'],
  },
  {
    name: 'owner-dispose-eacces',
    file: 'lib/ring/owners/owner.ts',
    from: "if (!(error instanceof RegisterError && error.code === 'EACCES')) throw error;",
    to: 'if (!(error instanceof RegisterError)) throw error;',
    tests: ['ring/sandbox', 'ring/close', 'ring/buffers', 'ring/files', 'ring/workers.test'],
  },
  {
    name: 'sqe-second-half',
    file: 'lib/ops/sqe.ts',
    from: 'if (this.stride === 32) this.clearSecondHalf();',
    to: '',
    tests: ['ops/bytes', 'ring/shapes', 'ring/prepare'],
  },
  {
    name: 'queues-takeback-publish',
    file: 'lib/ring/core/queues.ts',
    from: 'if (published) this.publish();',
    to: '',
    tests: ['ring/close', 'ring/queues', 'ring/memory'],
  },
];
