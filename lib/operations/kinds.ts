/** The kinds of arguments that many operations have: what reads each, and what makes numbers of it. */
import { U32_MAX } from '../../structs/check.ts';
import type { Kind, NamedType } from './declare.ts';
import * as pin from './pin.ts';
import * as read from './read.ts';

const SAFE = Number.MAX_SAFE_INTEGER;

// ---- arguments --------------------------------------------------------------------------------------------

/** An integer from `min` to `max`. */
export function integer(min: number, max: number = SAFE): Kind {
  return { type: 'number', read: read.integer, with: [min, max] };
}

export const u32 = integer(0, U32_MAX);
export const s32 = integer(0, 0x7fff_ffff);

/** A file that is not the one of the entry. Numbers: the fd, or for a slot its complement. */
export const otherFile: Kind = { type: 'File', read: read.file, pin: [pin.file] };
/** The file of the entry. */
export const file: Kind = { ...otherFile, field: 'file' };
export const fd: Kind = { type: 'Fd', read: read.fd };
export const slot: Kind = { type: 'FixedFile', read: read.slot, pin: [pin.slot] };

/** Numbers: address, length, index of the registered buffer or -1. */
export const memory: Kind = {
  type: 'Memory',
  read: read.memory,
  pin: [pin.address, pin.length, pin.bufferIndex],
  holds: 'until completed',
};
/** Numbers: address, length, index of the registered buffer or -1, group of the pool or -1. */
export const memoryOrPool: Kind = {
  type: 'MemoryOrPool',
  read: read.memoryOrPool,
  pin: [pin.address, pin.length, pin.bufferIndex, pin.group],
  holds: 'until completed',
  keep: pin.kept,
};
/** Numbers: address, length, index. */
export const registeredBuffer: Kind = { ...memory, type: 'RegisteredBuffer', read: read.registeredBuffer };
/** Numbers: address, length. */
export const view: Kind = {
  type: 'ArrayBufferView',
  read: read.view,
  pin: [pin.address, pin.length],
  holds: 'until completed',
};
/** Numbers: address of the iovecs, how many, index of the registered buffer or -1. */
export const pieces: Kind = {
  type: 'readonly Memory[]',
  read: read.pieces,
  pin: [pin.iovecs, 'pieces.length', pin.vectorIndex],
  holds: 'until completed',
  doc: '1 to 1024',
};
export const fixedPieces: Kind = { ...pieces, type: 'readonly RegisteredBuffer[]', read: read.fixedPieces };
/** Numbers: the group. */
export const pool: Kind = {
  type: 'BufferRing',
  read: read.pool,
  pin: [pin.group],
  holds: 'until completed',
  keep: pin.kept,
};

/** Numbers: the address of the text. */
export const path: Kind = {
  type: 'Path',
  read: read.path,
  pin: ['address'],
  holds: 'until submitted',
};
export const pathOrEmpty: Kind = { ...path, read: read.pathOrEmpty };
/** Numbers: the address of the name. */
export const attributeName: Kind = {
  type: 'Path',
  read: read.attributeName,
  pin: ['address'],
  holds: 'until submitted',
};
/** Numbers: address and length of the sockaddr. */
export const address: Kind = {
  type: 'SocketAddressLike',
  read: read.address,
  pin: ['address', 'bytes.length'],
  holds: 'until completed',
};

/** One of a few names. */
export function named({ name, names, orNumber }: NamedType): Kind {
  return { type: name, read: orNumber ? read.namedOrNumber : read.named, with: [names] };
}

// ---- options ----------------------------------------------------------------------------------------------

/** An integer from `min` to `max`; `absent` where there is none. */
export function option(doc: string, min: number, max: number, absent: number): Kind {
  return { type: 'number', read: read.integer, with: [min, max], absent, doc };
}

/** Bits; none when absent. */
export function bits(doc: string, max: number = U32_MAX): Kind {
  return option(doc, 0, max, 0);
}

/** A boolean; false when absent. Its number is `bits` where it is true, or 0. */
export function flag(doc: string, bits = 1): Kind {
  return { type: 'boolean', read: read.flag, with: [bits], doc };
}

/** An offset in a file, in bytes; -1 is the current position. */
export function offset(doc: string): Kind {
  return { type: 'number | bigint', read: read.offset, doc };
}

/** A directory that relative paths start from. */
export function directory(doc: string): Kind {
  return { type: 'Fd', read: read.directory, doc };
}

/** One of a few names; `absent` where there is none. */
export function optionalNamed({ name, names }: NamedType, doc: string, absent: number): Kind {
  return { type: name, read: read.named, with: [names], absent, doc };
}

/** Where the file that an operation makes goes. */
export function into(doc: string): Kind {
  return { type: 'Into', read: read.into, pin: [pin.fileIndex], doc };
}

/** What an option of a directory says. */
export const AT = 'The directory that a relative path starts from, instead of the current one.';

/** Errors of what looks for a path. */
export const FOUND = {
  ENOENT: 'there is no such path',
  EACCES: 'a directory on the way, or the file itself, can not be used with these credentials',
  ENOTDIR: 'something on the way is no directory',
};
