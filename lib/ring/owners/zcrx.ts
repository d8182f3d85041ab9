/** Zero-copy receive: a queue of a network interface writes straight into memory of the ring. */
import { descriptor, integer, U32_MAX, wrongType, wrongValue } from '../../../structs/check.ts';
import { ZcrxRqe } from '../../../structs/zcrx.ts';
import { SyscallError } from '../../errors.ts';
import { record } from '../../register/arguments.ts';
import { registerZcrxCtrl, registerZcrxIfq, type ZcrxIfqResult } from '../../register/network.ts';
import { type Mapping, mapAnonymous, pageSize } from '../../sys/memory.ts';
import { sys } from '../../sys/syscall.ts';
import type { RingCore } from '../core/core.ts';
import { type AnyRing, openCore, ringCore } from '../core/rings.ts';

const MAX_ENTRIES = 32_768;
/** koffi.view of more aborts Node 20. */
const MAX_AREA = 2 ** 32;
const MAX_NAME = 15;

/** Options of `registerZcrxIfq`. */
export interface ZcrxIfqOptions {
  /** The network interface: its name, or its index. */
  readonly interface: string | number;
  /** Which of its receive queues. */
  readonly queue: number;
  /** Entries of the refill ring, 1..32768; rounded up to a power of two. */
  readonly entries: number;
  /** Bytes of the memory that data is received into, rounded up to whole pages; at most 4 GiB. */
  readonly areaBytes: number;
  /** Bytes of one buffer in it; a page when absent. Newer than the opcode. */
  readonly bufferBytes?: number | undefined;
}

/** A command for the queue. */
export type ZcrxCommand =
  /** Takes back at once what the refill ring holds. */
  | { readonly flush: true }
  /** Makes an fd, by which another ring can import the queue. */
  | { readonly export: true };

/** The index of a network interface. */
function interfaceIndex(given: string | number): number {
  if (typeof given === 'number') return integer('options.interface', given, 1, 0x7fff_ffff);
  if (typeof given !== 'string') throw wrongType('options.interface', 'a name or an index', given);
  const length = Buffer.byteLength(given);
  if (length === 0 || length > MAX_NAME || given.includes('\0')) {
    throw wrongValue('options.interface', `a name of 1 to ${MAX_NAME} bytes`, given);
  }
  const index = sys.ifNameToIndex(given);
  if (index > 0) return index;
  throw new SyscallError('if_nametoindex', -index, { hint: `there is no interface '${given}'` });
}

/** The memory of a queue. */
interface Memory {
  readonly area: Mapping;
  readonly region: Mapping;
}

function allocate(entries: number, areaBytes: number): Memory {
  const area = mapAnonymous(areaBytes);
  try {
    // one page for the head of the refill ring: only the kernel knows the head's size
    const rounded = 2 ** Math.ceil(Math.log2(entries));
    return { area, region: mapAnonymous(pageSize() + rounded * ZcrxRqe.size) };
  } catch (error) {
    area.unmap();
    throw error;
  }
}

function unmap({ area, region }: Memory): void {
  area.unmap();
  region.unmap();
}

/** Unmaps when the ring closes. The closure refers to the memory alone: the ring's core must not refer to the ring. */
function unmapAtClose(core: RingCore, memory: Memory): void {
  core.onClose(() => unmap(memory));
}

/** A receive queue of a network interface. It cannot be given back, and lives as long as its ring. */
export class ZcrxIfq {
  readonly #ring: AnyRing;
  readonly #length: number;
  readonly #core: RingCore;
  readonly #id: number;

  private constructor(ring: AnyRing, { zcrxId, rqEntries }: ZcrxIfqResult, memory: Memory) {
    this.#ring = ring;
    this.#length = rqEntries;
    this.#core = ringCore('ring', ring);
    this.#id = zcrxId;
    unmapAtClose(this.#core, memory);
  }

  /** The ring that it is registered with. */
  get ring(): AnyRing {
    return this.#ring;
  }

  /** Entries of the refill ring. */
  get length(): number {
    return this.#length;
  }

  /** @internal REGISTER_ZCRX_IFQ */
  static register(ring: AnyRing, options: ZcrxIfqOptions): ZcrxIfq {
    const core = openCore('ring', ring);
    record('options', options, ['interface', 'queue', 'entries', 'areaBytes', 'bufferBytes']);
    const { interface: name, queue, entries, areaBytes, bufferBytes: rxBufLen } = options;
    integer('options.queue', queue, 0, U32_MAX);
    integer('options.entries', entries, 1, MAX_ENTRIES);
    integer('options.areaBytes', areaBytes, 1, MAX_AREA);
    if (rxBufLen !== undefined) integer('options.bufferBytes', rxBufLen, 1, U32_MAX);
    const ifIdx = interfaceIndex(name);
    const memory = allocate(entries, areaBytes);
    const { area, region } = memory;
    try {
      const result = registerZcrxIfq(core.handle, {
        ifIdx,
        ifRxq: queue,
        rqEntries: entries,
        area: { addr: area.address, len: area.length },
        region: { userAddr: region.address, size: region.length },
        rxBufLen,
      });
      return new ZcrxIfq(ring, result, memory);
    } catch (error) {
      unmap(memory);
      throw error;
    }
  }

  /**
   * Flushes or exports the queue (REGISTER_ZCRX_CTRL).
   * @returns for `{ export: true }` an fd, which is yours to close
   * @throws RegisterError ENXIO (the queue is gone)
   * @since 6.19
   */
  control(command: { readonly flush: true }): undefined;
  control(command: { readonly export: true }): number;
  control(command: ZcrxCommand): number | undefined {
    this.#core.check();
    record('command', command, ['flush', 'export']);
    const { flush, export: exported }: { readonly flush?: true; readonly export?: true } = command;
    const isFlush = flush === true;
    const isExport = exported === true;
    if (isFlush === isExport) throw wrongValue('command', '{ flush: true } or { export: true }', command);
    const fd = registerZcrxCtrl(this.#core.handle, {
      zcrxId: this.#id,
      op: isFlush ? 'ZCRX_CTRL_FLUSH_RQ' : 'ZCRX_CTRL_EXPORT',
    });
    return fd === undefined ? undefined : descriptor('fd', fd);
  }
}
