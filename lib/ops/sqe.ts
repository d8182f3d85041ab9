/**
 * The hot path: one reused cursor over the submission queue, and stores at offsets taken from the declaration of
 * io_uring_sqe. Nothing here allocates, and nothing here is checked.
 */
import { wrongValue } from '../../structs/check.ts';
import { constants } from '../../structs/flags.ts';
import { Sqe } from '../../structs/sqe.ts';

const { IORING_OP_URING_CMD128, IOSQE_BUFFER_SELECT, IOSQE_FIXED_FILE } = constants;

// word (u32), half-word (u16) and byte indices inside one SQE
const FD = Sqe.at.fd / 4;
const OFF = Sqe.at.off / 4;
const ADDR = Sqe.at.addr / 4;
const LEN = Sqe.at.len / 4;
const OP_FLAGS = Sqe.at.rwFlags / 4;
const USER_DATA = Sqe.at.userData / 4;
const FILE_INDEX = Sqe.at.fileIndex / 4;
const ADDR3 = Sqe.at.addr3 / 4;
const OPTIONAL = Sqe.at.attrTypeMask / 4;
const FLAGS_BYTE = Sqe.at.flags;
const IOPRIO_HALF = Sqe.at.ioprio / 2;
const PERSONALITY_HALF = Sqe.at.personality / 2;
const BUF_INDEX_HALF = Sqe.at.bufIndex / 2;
const CMD_BYTE = Sqe.at.cmd;

/** Times an address this is its high half, without a division. */
const HIGH = 1 / 0x1_0000_0000;
const NOTHING = new ArrayBuffer(0);
const NO_BYTES = new Uint8Array(NOTHING);

/** Writes one submission queue entry after another into the memory of a ring. */
export class SqeCursor {
  /** The entries as 32-bit words; empty once the ring is closed, so that late stores go nowhere. */
  words = new Uint32Array(NOTHING);
  /** The same as pairs of words; only zeroes are stored. */
  #pairs = new Float64Array(NOTHING);
  #halves = new Uint16Array(NOTHING);
  #bytes = new Uint8Array(NOTHING);
  /** The bytes of a command, between the pinning of arguments and the writing of the entry. */
  #staged: Uint8Array = NO_BYTES;
  /** Where the current entry begins, in words. */
  base = 0;
  /** Words of one entry: 16, or 32 with SETUP_SQE128. */
  stride = 16;

  /** Moves the cursor to the memory of a ring. */
  attach(memory: ArrayBuffer, stride: number, offset = 0, length: number = memory.byteLength): void {
    this.words = new Uint32Array(memory, offset, length >> 2);
    this.#pairs = new Float64Array(memory, offset, length >> 3);
    this.#halves = new Uint16Array(memory, offset, length >> 1);
    this.#bytes = new Uint8Array(memory, offset, length);
    this.stride = stride;
    this.base = 0;
  }

  detach(): void {
    this.attach(NOTHING, this.stride);
  }

  /** Makes the current entry `opcode`, with an fd and nothing else: all other fields are zero. */
  begin(opcode: number, fd: number): this {
    const { words, base } = this;
    // as signed words: V8 would make doubles of them first where it does not inline this
    words[base] = opcode | 0;
    words[base + FD] = fd | 0;
    const pairs = this.#pairs;
    const pair = base >> 1;
    pairs[pair + 1] = 0;
    pairs[pair + 2] = 0;
    pairs[pair + 3] = 0;
    pairs[pair + 4] = 0;
    pairs[pair + 5] = 0;
    pairs[pair + 6] = 0;
    pairs[pair + 7] = 0;
    if (this.stride === 32) this.clearSecondHalf();
    return this;
  }

  /**
   * Makes the current entry `opcode` with the five fields that nearly every operation has, all others zero.
   * @param off a file offset or a second address; -1 stands for 2^64-1 ("current position")
   */
  prepare(opcode: number, fd: number, addr: number, len: number, off: number): this {
    this.begin(opcode, fd);
    // here, and not in there: V8 inlines this, and makes no objects of large numbers
    const { words, base } = this;
    words[base + OFF] = off;
    words[base + OFF + 1] = off < 0 ? -1 : off * HIGH;
    words[base + ADDR] = addr;
    words[base + ADDR + 1] = addr * HIGH;
    words[base + LEN] = len;
    return this;
  }

  /** user_data, given back by the completion: a number below 2^53, or a bigint. */
  set userData(value: number | bigint) {
    if (typeof value === 'bigint') {
      this.setUserData(Number(value & 0xffff_ffffn), Number(value >> 32n));
    } else {
      this.setUserData(value, value * HIGH);
    }
  }

  /** user_data in two halves. */
  setUserData(low: number, high: number): void {
    const { words, base } = this;
    words[base + USER_DATA] = low;
    words[base + USER_DATA + 1] = high;
  }

  get opcode(): number {
    return this.#bytes[this.base * 4] ?? 0;
  }

  /** IOSQE_* bits. */
  set flags(value: number) {
    this.#bytes[this.base * 4 + FLAGS_BYTE] = value;
  }

  get flags(): number {
    return this.#bytes[this.base * 4 + FLAGS_BYTE] ?? 0;
  }

  /** The file of the entry: an fd, or for a slot of the file table its complement (`~slot`). */
  set file(value: number) {
    if (value >= 0) this.words[this.base + FD] = value;
    else this.#setSlot(~value);
  }

  #setSlot(slot: number): void {
    this.words[this.base + FD] = slot;
    this.flags |= IOSQE_FIXED_FILE;
  }

  /** The group of buffers that the kernel picks one from. */
  set group(value: number) {
    this.bufIndex = value;
    this.flags |= IOSQE_BUFFER_SELECT;
  }

  /** The priority, or on sockets the operation's second set of flags: add to them with `|=`. */
  set ioprio(value: number) {
    this.#halves[this.base * 2 + IOPRIO_HALF] = value;
  }

  get ioprio(): number {
    return this.#halves[this.base * 2 + IOPRIO_HALF] ?? 0;
  }

  /** rw_flags, msg_flags, poll32_events and their kin: the operation's own flags. */
  set opFlags(value: number) {
    this.words[this.base + OP_FLAGS] = value;
  }

  /** len. */
  set len(value: number) {
    this.words[this.base + LEN] = value;
  }

  get len(): number {
    return this.words[this.base + LEN] ?? 0;
  }

  /** The fd, or the slot of the file table. */
  get fd(): number {
    return this.words[this.base + FD] ?? 0;
  }

  /** Is `off` -1, the file's current position? */
  get isAtPosition(): boolean {
    return this.words[this.base + OFF + 1] === 0xffff_ffff;
  }

  /** buf_index; buf_group is the same field. */
  set bufIndex(value: number) {
    this.#halves[this.base * 2 + BUF_INDEX_HALF] = value;
  }

  set personality(value: number) {
    this.#halves[this.base * 2 + PERSONALITY_HALF] = value;
  }

  /** file_index; splice_fd_in, optlen, zcrx_ifq_idx and addr_len are the same field. */
  set fileIndex(value: number) {
    this.words[this.base + FILE_INDEX] = value;
  }

  /** addr3; optval and attr_ptr are the same field. */
  set addr3(value: number) {
    this.words[this.base + ADDR3] = value;
    this.words[this.base + ADDR3 + 1] = value * HIGH;
  }

  /** addr3 in two halves. */
  setAddr3(low: number, high: number): void {
    this.words[this.base + ADDR3] = low;
    this.words[this.base + ADDR3 + 1] = high;
  }

  /** addr in two halves, for operations that keep a user_data there. */
  setAddr(low: number, high: number): void {
    this.words[this.base + ADDR] = low;
    this.words[this.base + ADDR + 1] = high;
  }

  /** off in two halves. */
  setOff(low: number, high: number): void {
    this.words[this.base + OFF] = low;
    this.words[this.base + OFF + 1] = high;
  }

  /** attr_type_mask (6.14): IORING_RW_ATTR_FLAG_*; the attributes' address is `addr3`. */
  set attrTypeMask(value: number) {
    this.words[this.base + OPTIONAL] = value;
  }

  /**
   * cmd: the bytes of a command, at the end of the entry.
   * @throws RangeError for more than 16, or than 80 where an entry has 128 bytes: they would lie in the next entry
   */
  set cmd(bytes: Uint8Array) {
    const room = this.stride === 32 || this.opcode === IORING_OP_URING_CMD128 ? 80 : 16;
    if (bytes.length > room) throw wrongValue('cmd', `at most ${room} bytes long`, bytes.length);
    this.#bytes.set(bytes, this.base * 4 + CMD_BYTE);
  }

  /**
   * Takes the bytes of a command, for `stagedCmd` of the entry that is written next.
   * @returns how many
   * @throws RangeError for more than an entry of this ring has room for
   */
  stageCmd(name: string, bytes: Uint8Array): number {
    const room = this.stride === 32 ? 80 : 16;
    if (bytes.length > room) throw wrongValue(name, `at most ${room} bytes long on this ring`, bytes.length);
    this.#staged = bytes;
    return bytes.length;
  }

  /** cmd: the staged bytes. */
  writeStagedCmd(): void {
    this.#bytes.set(this.#staged, this.base * 4 + CMD_BYTE);
    this.#staged = NO_BYTES;
  }

  /** Zeroes the second half of an entry of 128 bytes; where entries have 64, that is the slot after this one. */
  clearSecondHalf(): void {
    this.words.fill(0, this.base + 16, this.base + 32);
  }

  /** The user_data of the entry at `base`, in two halves: `[low, high]`. */
  userDataAt(base: number): [number, number] {
    return [this.words[base + USER_DATA] ?? 0, this.words[base + USER_DATA + 1] ?? 0];
  }
}
