/** Zero-copy receive: opcodes 32 and 36. Since 7.1 a queue needs no card: the kernel copies into its area then. */
import { existsSync, readdirSync } from 'node:fs';
import { RegisterError, Ring } from 'uring';
import {
  addressOf,
  alloc,
  libc,
  registerZcrxCtrl,
  registerZcrxIfq,
  uringCmdGetsockname,
  type ZcrxIfqResult,
} from 'uring/raw';
import { constants, ZcrxRqe } from 'uring/structs';
import { completions, expect, named, RawRing, refusal, result, same } from './kit.ts';
import { NotHere, type Proofs } from './proof.ts';

/** No interface has so many queues: a card that could is asked, and nothing is taken from it. */
const NO_QUEUE = 0x7fff_ffff;
const ENTRIES = 64;

function receiveRing(): Ring {
  return new Ring(8, { deferTaskrun: true, cqe32: true });
}

/** An interface with a device behind it, if there is one. */
function networkCard(): string {
  const all = readdirSync('/sys/class/net').filter((name) => existsSync(`/sys/class/net/${name}/ifindex`));
  return all.find((name) => existsSync(`/sys/class/net/${name}/device`)) ?? all[0] ?? 'lo';
}

/** Why this card does not do zero-copy receive. */
function refusedBy(card: string, { code, hint, message }: RegisterError): Error {
  const text = hint ?? message;
  if (code === 'EPERM') return new NotHere('needs-privilege', `EPERM: ${text}`);
  if (code === 'EOPNOTSUPP') {
    return new NotHere('needs-hardware', `${card}: ${code}, needs a NIC with queue leasing, or Linux 7.1`);
  }
  // its driver has looked at the queue's number
  const isAble = code === 'EINVAL' || code === 'ERANGE';
  const why = isAble ? 'it may be able, its queues are left alone' : text;
  return new NotHere('needs-hardware', `${card}: ${code}, ${why}`);
}

/** What a card says: always no, because it is asked for a queue that it does not have. */
function askCard(): Error {
  using ring = receiveRing();
  const card = networkCard();
  try {
    ring.registerZcrxIfq({ interface: card, queue: NO_QUEUE, entries: 8, areaBytes: 65_536 });
  } catch (error) {
    if (error instanceof RegisterError) return refusedBy(card, error);
    throw error;
  }
  return new Error(`${card} gave a queue that it does not have`);
}

/** The port that the kernel gave to a socket. */
function portOf(socket: number): number {
  using ring = new RawRing();
  const name = alloc(16);
  const length = Uint32Array.of(name.length);
  same(
    'getsockname',
    ring.run((sqe) => uringCmdGetsockname(sqe, socket, addressOf(name), addressOf(length), 0)),
    0,
  );
  return (name[2] ?? 0) * 256 + (name[3] ?? 0);
}

/** Two connected TCP sockets: what is written to the first one is received from the second. */
class Connection implements Disposable {
  readonly #fds: number[] = [];

  /** Makes them by operations of a ring. */
  constructor(ring: Ring) {
    const fd = (): number => {
      const made = result(ring);
      expect(typeof made === 'number', `no socket: ${made}`);
      this.#fds.push(made);
      return made;
    };
    ring.prepare.socket('IPv4');
    const server = fd();
    ring.prepare.bind(server, { family: 'IPv4', address: '127.0.0.1', port: 0 });
    same('bind', result(ring), 0);
    ring.prepare.listen(server, 1);
    same('listen', result(ring), 0);
    const port = portOf(server);
    ring.prepare.socket('IPv4');
    const client = fd();
    ring.prepare.connect(client, { family: 'IPv4', address: '127.0.0.1', port });
    same('connect', result(ring), 0);
    ring.prepare.accept(server);
    fd();
  }

  get ends(): readonly [client: number, peer: number] {
    const [, client = -1, peer = -1] = this.#fds;
    return [client, peer];
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds.splice(0)) libc.close(fd);
  }
}

/** A queue without a card; it throws EINVAL where the kernel wants one. */
class CopyQueue implements Disposable {
  readonly ring = receiveRing();
  readonly #area = alloc(65_536);
  readonly #region = alloc(65_536);
  readonly #ifq: ZcrxIfqResult;

  constructor() {
    try {
      this.#ifq = registerZcrxIfq(this.ring.fd, {
        ifIdx: 0,
        flags: constants.ZCRX_REG_NODEV,
        rqEntries: ENTRIES,
        area: { addr: this.#area, len: this.#area.length },
        region: { userAddr: addressOf(this.#region), size: this.#region.length },
      });
    } catch (error) {
      this.ring.close();
      throw error;
    }
  }

  get id(): number {
    return this.#ifq.zcrxId;
  }

  /** Sends a text to itself; what came into the area, and where. */
  receive(text: string): { readonly text: string; readonly at: number } {
    const { ring } = this;
    using connection = new Connection(ring);
    const [client, peer] = connection.ends;
    ring.prepare.recvZc(peer, this.id, { userData: 1 });
    ring.prepare.send(client, new TextEncoder().encode(text), { userData: 2 });
    const found = completions(ring, 2).find(({ userData }) => userData === 1);
    expect(found?.extra !== undefined && found.res > 0, `nothing was received: ${named(found?.res ?? 0)}`);
    const at = Number(found.extra[0] & ~constants.IORING_ZCRX_AREA_MASK);
    const bytes = this.#area.subarray(at, at + found.res);
    return { text: new TextDecoder().decode(bytes), at };
  }

  /** Gives a piece of the area back, in the refill ring. */
  refill(at: number, length: number): void {
    const { offsets, rqAreaToken } = this.#ifq;
    const off = BigInt(at) | rqAreaToken;
    this.#region.set(ZcrxRqe.encode({ off, len: length }), offsets.rqes);
    this.#word(offsets.tail)[0] = 1;
  }

  /** How many pieces the kernel has taken from the refill ring. */
  get taken(): number {
    return this.#word(this.#ifq.offsets.head)[0] ?? 0;
  }

  #word(at: number): Uint32Array {
    return new Uint32Array(this.#region.buffer, this.#region.byteOffset + at, 1);
  }

  [Symbol.dispose](): void {
    this.ring.close();
  }
}

/** A queue without a card; undefined where the kernel or the user can't have one. */
function copyQueue(): CopyQueue | undefined {
  try {
    return new CopyQueue();
  } catch (error) {
    if (error instanceof RegisterError && (error.code === 'EINVAL' || error.code === 'EPERM'))
      return undefined;
    throw error;
  }
}

export const zcrx = {
  REGISTER_ZCRX_IFQ: () => {
    using queue = copyQueue();
    if (!queue) throw askCard();
    const { text, at } = queue.receive('zero-copy');
    same('what came', text, 'zero-copy');
    return `without a card: ${text.length} bytes came to offset ${at} of the area`;
  },

  REGISTER_ZCRX_CTRL: () => {
    using queue = copyQueue();
    const { ring, id = 0 } = queue ?? { ring: receiveRing() };
    const flush = () => registerZcrxCtrl(ring.fd, { zcrxId: id, op: 'ZCRX_CTRL_FLUSH_RQ' });
    if (!queue) {
      using _ring = ring;
      same('a queue that nobody registered', refusal(flush), 'ENXIO');
      throw new NotHere('needs-hardware', 'ENXIO: it needs a zero-copy receive queue');
    }
    const { text, at } = queue.receive('given back');
    queue.refill(at, text.length);
    same('taken before', queue.taken, 0);
    flush();
    same('taken by the flush', queue.taken, 1);
    return 'flushed: the kernel took 1 piece from the refill ring';
  },
} satisfies Proofs;
