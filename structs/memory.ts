/** Memory shared with the kernel once, and waits described in it. */
import { array, struct } from './layout.ts';
import { KernelTimespec } from './posix.ts';

/**
 * io_uring_region_desc: a piece of memory, the user's (IORING_MEM_REGION_TYPE_USER) or made by the kernel, which then
 * writes `mmapOffset`.
 * @see io_uring_register_region(3)
 */
export const RegionDesc = struct('io_uring_region_desc', {
  user_addr: 'u64',
  size: 'u64',
  flags: 'u32',
  id: 'u32',
  mmap_offset: 'u64',
  __resv: array('u64', 4),
});

/**
 * io_uring_mem_region_reg: the argument of REGISTER_MEM_REGION; `regionUptr` is the address of a `RegionDesc`.
 * @see io_uring_register_region(3)
 */
export const MemRegionReg = struct('io_uring_mem_region_reg', {
  region_uptr: 'u64',
  flags: 'u64',
  __resv: array('u64', 2),
});

/**
 * io_uring_reg_wait: a wait, prepared in a registered region; io_uring_enter(2) reads it with IORING_ENTER_EXT_ARG_REG.
 * `ts` counts with IORING_REG_WAIT_TS in `flags`.
 * @see io_uring_enter(2)
 */
export const RegWait = struct('io_uring_reg_wait', {
  ts: KernelTimespec,
  min_wait_usec: 'u32',
  flags: 'u32',
  sigmask: 'u64',
  sigmask_sz: 'u32',
  pad: array('u32', 3),
  pad2: array('u64', 2),
});
