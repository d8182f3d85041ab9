/** Registered files: a table of files that the ring holds itself, used by slot instead of by fd. */
import {
  callback,
  descriptor,
  integer,
  list,
  options,
  wrongType,
  wrongValue,
} from '../../../structs/check.ts';
import { constants } from '../../../structs/flags.ts';
import { ClosedError, RegisterError, UnsupportedError } from '../../errors.ts';
import {
  registerFileAllocRange,
  registerFiles,
  registerFiles2,
  registerFilesUpdate,
  registerFilesUpdate2,
  unregisterFiles,
} from '../../register/files.ts';
import type { RingBase } from '../base.ts';
import { inContext } from '../core/context.ts';
import type { RingCore, Tag } from '../core/core.ts';
import { Owner, uninterrupted } from './owner.ts';

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

  /** @internal The table that it is a slot of. */
  get table(): RegisteredFiles {
    return this.#table;
  }

  /** @internal The slot after it. */
  next(): FixedFile {
    return this.#table.at(this.#index + 1);
  }

  /** @internal Throws unless it belongs to a table that is registered with this ring now. */
  use(core: RingCore): number {
    if (this.#core !== core)
      throw wrongValue('file', "registered with this ring, not with another's", this.#index);
    if (!this.#table.isRegistered) throw new ClosedError('the file table');
    return this.#index;
  }
}

/** What `registerFiles` takes: fds (-1 is an empty slot), or how many empty slots. */
export type FileList = readonly number[] | { readonly slots: number };

/** Options of `registerFiles`. */
export interface RegisterFilesOptions {
  /** Called when the kernel has let go of the file of a slot: after it was replaced, cleared or unregistered. */
  readonly onRelease?: (index: number) => void;
}

/** The files registered with a ring. The ring holds them itself: their fds may be closed. */
export class RegisteredFiles extends Owner {
  /** In `update`: leave the slot as it is (since 5.12). */
  readonly KEEP: number = KEEP;
  /** In `update`: empty the slot. */
  readonly CLEAR: number = CLEAR;
  readonly #length: number;
  readonly #onRelease: ((index: number) => void) | undefined;
  readonly #tags = new Map<number, Tag>();

  private constructor(ring: RingBase, core: RingCore, length: number, onRelease?: (index: number) => void) {
    super(ring, core, 'the file table');
    this.#length = length;
    this.#onRelease = onRelease;
  }

  /** @internal Is it one? Asked without running code of the caller's. */
  static is(value: unknown): value is RegisteredFiles {
    return typeof value === 'object' && value !== null && #tags in value;
  }

  /** How many slots the table has. */
  get length(): number {
    return this.#length;
  }

  /** @internal REGISTER_FILES, or REGISTER_FILES2 where tags are wanted. */
  static register(
    ring: RingBase,
    core: RingCore,
    files: FileList,
    given?: RegisterFilesOptions,
  ): RegisteredFiles {
    options('options', given, ['onRelease']);
    const told = inContext(callback('options.onRelease', given?.onRelease));
    if (typeof files !== 'object' || files === null || !('slots' in files || Array.isArray(files)))
      throw wrongType('files', 'an array of fds, or { slots }', files);
    if ('slots' in files) {
      options('files', files, ['slots']);
      const slots = integer('files.slots', files.slots, 1, MAX_FILES);
      registerSparse(core, slots);
      return new RegisteredFiles(ring, core, slots, told);
    }
    const fds = list('files', files).map((fd, i) => (fd === CLEAR ? fd : descriptor(`files[${i}]`, fd)));
    integer('files.length', fds.length, 1, MAX_FILES);
    const owner = new RegisteredFiles(ring, core, fds.length, told);
    owner.#enter(0, fds, (tags) => {
      if (tags === undefined) registerFiles(core.handle, fds);
      else registerFiles2(core.handle, { fds, tags });
      return fds.length;
    });
    return owner;
  }

  /** The file in a slot, for operations. @throws RangeError for a slot that is not in the table */
  at(index: number): FixedFile {
    this.check();
    return new FixedFile(this, this.core, integer('index', index, 0, this.length - 1));
  }

  /** @internal Throws unless it is registered with this ring now. */
  use(core: RingCore): void {
    if (core !== this.core)
      throw wrongValue('files', "registered with this ring, not with another's", this.length);
    this.check();
  }

  /**
   * Puts other files into slots: an fd, `CLEAR` or `KEEP` for each (REGISTER_FILES_UPDATE, or REGISTER_FILES_UPDATE2
   * where releases are told).
   * @param offset the first slot
   * @returns the slots done: all of them
   * @throws RegisterError with `done`; the slot that failed is empty then, as the kernel leaves it
   */
  update(offset: number, files: readonly number[]): number {
    const fds = list('files', files).map((fd, i) =>
      fd === CLEAR || fd === KEEP ? fd : descriptor(`files[${i}]`, fd),
    );
    this.check();
    integer('files.length', fds.length, 1, this.length);
    integer('offset', offset, 0, this.length - fds.length);
    return this.#enter(offset, fds, (tags) =>
      tags === undefined
        ? registerFilesUpdate(this.core.handle, { offset, fds })
        : registerFilesUpdate2(this.core.handle, { offset, fds, tags }),
    );
  }

  /**
   * Which slots the kernel may choose for operations that make a file in the table
   * (REGISTER_FILE_ALLOC_RANGE, since 6.0). Slots outside can still be named.
   */
  allocRange(offset: number, length: number): void {
    this.check();
    integer('offset', offset, 0, this.length);
    integer('length', length, 0, this.length - offset);
    registerFileAllocRange(this.core.handle, { off: offset, len: length });
  }

  /** Tags the slots where somebody wants to be told, calls the kernel, and keeps the books by what it did. */
  #enter(
    offset: number,
    fds: readonly number[],
    call: (tags: readonly bigint[] | undefined) => number,
  ): number {
    const { core } = this;
    const told = this.#onRelease;
    if (told === undefined) return call(undefined);
    const tags = fds.map((fd, i) => (fd < 0 ? undefined : core.tag(offset + i, undefined, told)));
    let done = fds.length;
    try {
      return call(core.hasTags ? tags.map((tag) => (tag ? core.tagValue(tag) : 0n)) : undefined);
    } catch (error) {
      done = error instanceof RegisterError ? (error.done ?? 0) : 0;
      // a slot that was to get a bad fd has lost its old file all the same
      if (error instanceof RegisterError && error.code === 'EBADF') this.#drop(offset + done);
      throw error;
    } finally {
      tags.forEach((tag, i) => {
        if (i >= done) {
          if (tag) core.untag(tag);
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
    if (this.core.hasTags) this.core.expectTag(tag);
    else this.core.expectRelease(tag);
  }

  protected override release(): void {
    uninterrupted(() => unregisterFiles(this.core.handle));
    for (const index of [...this.#tags.keys()]) this.#drop(index);
  }
}

/** An empty table. Before 5.19 there is no flag for it: there each slot is named empty. */
function registerSparse(core: RingCore, slots: number): void {
  try {
    registerFiles2(core.handle, { sparse: slots });
  } catch (error) {
    const isOld =
      error instanceof UnsupportedError || (error instanceof RegisterError && error.code === 'EINVAL');
    if (!isOld) throw error;
    registerFiles(
      core.handle,
      Array.from({ length: slots }, () => CLEAR),
    );
  }
}
