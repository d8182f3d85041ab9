/**
 * Structs of sockets, epoll and children, as libc has them on 64-bit Linux. They are not io_uring's own, so they are no part
 * of `layouts`.
 */
import { flex, struct } from './layout.ts';

/** sockaddr_in: an IPv4 address; port and address in network byte order. @see ip(7) */
export const SockaddrIn = struct('sockaddr_in', {
  sin_family: 'u16',
  sin_port: 'u16',
  sin_addr: 'u32',
  __pad: 'u64',
});

/** in6_addr: 16 bytes in network byte order. */
const In6Addr = struct('in6_addr', { word0: 'u32', word1: 'u32', word2: 'u32', word3: 'u32' });

/** sockaddr_in6: an IPv6 address; port, flow and address in network byte order. @see ipv6(7) */
export const SockaddrIn6 = struct('sockaddr_in6', {
  sin6_family: 'u16',
  sin6_port: 'u16',
  sin6_flowinfo: 'u32',
  sin6_addr: In6Addr,
  sin6_scope_id: 'u32',
});

/** sockaddr_un: a path. @see unix(7) */
export const SockaddrUn = struct('sockaddr_un', { sun_family: 'u16', sun_path: flex('u8') });

/** msghdr: a message of sendmsg and recvmsg. @see sendmsg(2) */
export const Msghdr = struct('msghdr', {
  msg_name: 'void *',
  msg_namelen: 'u32',
  msg_iov: 'void *',
  msg_iovlen: 'u64',
  msg_control: 'void *',
  msg_controllen: 'u64',
  msg_flags: 'u32',
});

/** cmsghdr: what stands before each piece of control data. @see cmsg(3) */
export const Cmsghdr = struct('cmsghdr', { cmsg_len: 'u64', cmsg_level: 's32', cmsg_type: 's32' });

/** siginfo_t, the part of it that waitid(2) fills. */
export const Siginfo = struct('siginfo_t', {
  si_signo: 's32',
  si_errno: 's32',
  si_code: 's32',
  __pad: 's32',
  si_pid: 's32',
  si_uid: 'u32',
  si_status: 's32',
});

/** epoll_event is packed on x86-64 and nowhere else; koffi's structs are not. */
const isPacked = process.arch === 'x64';
/** Bytes of an epoll_event. */
export const EPOLL_EVENT_SIZE = isPacked ? 12 : 16;
const EPOLL_DATA_AT = isPacked ? 4 : 8;

/** An event of an epoll file. @see epoll_ctl(2) */
export interface EpollEvent {
  /** EPOLL* bits: EPOLLIN (1), EPOLLOUT (4). */
  readonly events: number;
  /** What was given to epoll_ctl. */
  readonly data: bigint;
}

/** Writes an epoll_event. */
export function encodeEpollEvent(view: DataView, events: number, data: number | bigint): void {
  view.setUint32(0, events, true);
  view.setBigUint64(EPOLL_DATA_AT, BigInt(data), true);
}

/** The first `count` of an array of epoll_event. */
export function decodeEpollEvents(view: DataView, count: number): EpollEvent[] {
  return Array.from({ length: count }, (_, i) => ({
    events: view.getUint32(i * EPOLL_EVENT_SIZE, true),
    data: view.getBigUint64(i * EPOLL_EVENT_SIZE + EPOLL_DATA_AT, true),
  }));
}
