/** Registered files: a table of files that the ring holds itself, used by slot instead of by fd. */
import { callback, integer, isList, options, wrongType, wrongValue } from '../../../structs/check.ts';
import { constants } from '../../../structs/flags.ts';
import { ClosedError, RegisterError } from '../../errors.ts';
import { readFds } from '../../register/arguments.ts';
import {
  registerFileAllocRange,
  registerFiles,
  registerFiles2,
  registerFilesUpdate,
  registerFilesUpdate2,
  unregisterFiles,
} from '../../register/files.ts';
import { inContext } from '../core/context.ts';
import type { RingCore } from '../core/core.ts';
import { type AnyRing, openCore } from '../core/rings.ts';
import type { Tag } from '../core/tags.ts';
import { Owner, registerSparse, uninterrupted } from './owner.ts';

const CLEAR = -1;
const KEEP = constants.IORING_REGISTER_FILES_SKIP;
const MAX_FILES = 2 ** 20;

/** A slot of a ring's file table. Passed to an operation it sets IOSQE_FIXED_FILE. */
export class FixedFile {
  readonly #index: number;
  readonly #table: RegisteredFiles;
  readonly #core: RingCore;

  /** @internal */
  constructor(table: RegisteredFiles, core: RingCore, index: number) {
    this.#index = index;
    this.#core = core;
    this.#table = table;
  }

  /** @internal Is it one? Asked without running code of the caller's. */
  static is(value: unknown): value is FixedFile {
    return typeof value === 'object' && value !== null && #core in value;
  }

  /** Which slot. */
  get index(): number {
    return this.#index;
  }

  /** @internal The slot's number, whatever properties the caller has put on `file`. */
  static indexOf(file: FixedFile): number {
    return file.#index;
  }

  /** @internal The table that `file` is a slot of. */
  static tableOf(file: FixedFile): RegisteredFiles {
    return file.#table;
  }

  /** @internal The slot's number, for an operation of the ring that the table is registered with; throws for another ring. */
  static use(file: FixedFile, core: RingCore): number {
    if (file.#core !== core)
      throw wrongValue('file', "registered with this ring, not with another's", file.#index);
    if (!Owner.isLive(file.#table)) throw new ClosedError('the file table');
    return file.#index;
  }

  /** @internal The slot after it. */
  next(): FixedFile {
    return this.#table.at(this.#index + 1);
  }
}

Object.freeze(FixedFile);

/** What `registerFiles` takes: fds (-1 is an empty slot), or how many empty slots. */
export type FileList = readonly number[] | { readonly slots: number };

/** Options of `registerFiles`. */
export interface RegisterFilesOptions {
  /** Called when the kernel has let go of the file of a slot: after it was replaced, cleared or unregistered. */
  readonly onRelease?: ((index: number) => void) | undefined;
}

/** The files registered with a ring. The ring holds them itself: their fds may be closed. */
export class RegisteredFiles extends Owner {
  readonly #length: number;
  readonly #onRelease: ((index: number) => void) | undefined;
  readonly #tags = new Map<number, Tag>();

  private constructor(ring: AnyRing, length: number, onRelease?: (index: number) => void) {
    super(ring, 'the file table');
    this.#length = length;
    this.#onRelease = onRelease;
  }

  /** @internal Is it one? Asked without running code of the caller's. */
  static is(value: unknown): value is RegisteredFiles {
    return typeof value === 'object' && value !== null && #tags in value;
  }

  /** In `update`: leave the slot as it is (since 5.12). */
  get KEEP(): number {
    return KEEP;
  }

  /** In `update`: empty the slot. */
  get CLEAR(): number {
    return CLEAR;
  }

  /** How many slots the table has. */
  get length(): number {
    return this.#length;
  }

  /** @internal REGISTER_FILES, or REGISTER_FILES2 where tags are wanted. */
  static register(ring: AnyRing, files: FileList, given?: RegisterFilesOptions): RegisteredFiles {
    options('options', given, ['onRelease']);
    const core = openCore('ring', ring);
    const onRelease = inContext(callback('options.onRelease', given?.onRelease));
    if (typeof files !== 'object' || files === null || !(isList(files) || 'slots' in files))
      throw wrongType('files', 'an array of fds, or { slots }', files);
    if (!isList(files)) {
      options('files', files, ['slots']);
      const slots = integer('files.slots', files.slots, 1, MAX_FILES);
      registerSparse(
        () => registerFiles2(core.handle, { sparse: slots }),
        () => registerFiles(core.handle, new Array<number>(slots).fill(CLEAR)),
      );
      return new RegisteredFiles(ring, slots, onRelease);
    }
    const fds = readFds('files', files, CLEAR, MAX_FILES);
    const owner = new RegisteredFiles(ring, fds.length, onRelease);
    owner.#registerAndTrack(0, fds, (tags) => {
      if (tags === undefined) registerFiles(core.handle, fds);
      else registerFiles2(core.handle, { fds, tags });
      return fds.length;
    });
    return owner;
  }

  /** The file in a slot, for operations. @throws RangeError for a slot that is not in the table */
  at(index: number): FixedFile {
    Owner.check(this);
    return new FixedFile(this, Owner.coreOf(this), integer('index', index, 0, this.#length - 1));
  }

  /** @internal How many slots. */
  static lengthOf(files: RegisteredFiles): number {
    return files.#length;
  }

  /** @internal Throws unless `files` are registered with this ring now. */
  static use(files: RegisteredFiles, core: RingCore): void {
    Owner.checkRing(files, core, 'files', files.#length);
  }

  /**
   * Puts other files into slots: an fd, `CLEAR` or `KEEP` for each (REGISTER_FILES_UPDATE, or REGISTER_FILES_UPDATE2
   * where the table has an `onRelease`).
   * @param offset the first slot
   * @returns the slots done: all of them
   * @throws RegisterError with `done`; the slot that failed is empty then, as the kernel leaves it
   */
  update(offset: number, files: readonly number[]): number {
    Owner.check(this);
    const fds = readFds('files', files, KEEP, this.#length);
    Owner.check(this);
    integer('offset', offset, 0, this.#length - fds.length);
    return this.#registerAndTrack(offset, fds, (tags) =>
      tags === undefined
        ? registerFilesUpdate(Owner.coreOf(this).handle, { offset, fds })
        : registerFilesUpdate2(Owner.coreOf(this).handle, { offset, fds, tags }),
    );
  }

  /**
   * Which slots the kernel may choose for operations that make a file in the table
   * (REGISTER_FILE_ALLOC_RANGE, since 6.0). Slots outside can still be named.
   */
  allocRange(offset: number, length: number): void {
    Owner.check(this);
    integer('offset', offset, 0, this.#length);
    integer('length', length, 0, this.#length - offset);
    registerFileAllocRange(Owner.coreOf(this).handle, { off: offset, len: length });
  }

  /** Tags the slots if there is an `onRelease`, calls the kernel, and records the slots that it accepted. */
  #registerAndTrack(
    offset: number,
    fds: readonly number[],
    call: (tags: readonly bigint[] | undefined) => number,
  ): number {
    const core = Owner.coreOf(this);
    const onRelease = this.#onRelease;
    if (onRelease === undefined) return call(undefined);
    const tags = fds.map((fd, i) => (fd < 0 ? undefined : core.tags.make(offset + i, undefined, onRelease)));
    let done = fds.length;
    try {
      return call(core.tags.areKnown ? tags.map((tag) => (tag ? core.tags.valueOf(tag) : 0n)) : undefined);
    } catch (error) {
      done = error instanceof RegisterError ? (error.done ?? 0) : 0;
      // the kernel has dropped the old file of the slot whose new fd is bad
      if (error instanceof RegisterError && error.code === 'EBADF') this.#drop(offset + done);
      throw error;
    } finally {
      tags.forEach((tag, i) => {
        if (i >= done) {
          if (tag) core.tags.remove(tag);
        } else if (fds[i] !== KEEP) this.#replace(offset + i, tag);
      });
    }
  }

  #replace(index: number, tag: Tag | undefined): void {
    this.#drop(index);
    if (tag !== undefined) this.#tags.set(index, tag);
  }

  #drop(index: number): void {
    const tag = this.#tags.get(index);
    if (tag === undefined) return;
    this.#tags.delete(index);
    const { tags } = Owner.coreOf(this);
    if (tags.areKnown) tags.expect(tag);
    else tags.expectRelease(tag);
  }

  protected override release(): void {
    uninterrupted(() => unregisterFiles(Owner.coreOf(this).handle));
    for (const index of [...this.#tags.keys()]) this.#drop(index);
  }
}

Object.freeze(RegisteredFiles);
