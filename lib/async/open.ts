/** How files that operations make become files of AsyncRing. */
import { wrongValue } from '../../structs/check.ts';
import type { File, Into } from '../operations/types.ts';
import { FixedFile } from '../ring/owners/files.ts';
import { sys } from '../sys/syscall.ts';
import { AsyncRingBase } from './base.ts';
import type { Outcome } from './flight.ts';
import type { RingFile } from './ring-file.ts';

export abstract class AsyncRingOpen extends AsyncRingBase {
  abstract closeFd(file: File): Promise<void>;

  /** @internal */
  protected abstract fileOf(fd: number): RingFile;

  /** @internal How an fd that an operation made becomes a RingFile; one that nobody gets is closed. */
  protected readonly openedFile: Outcome<RingFile> = {
    convert: (fd) => this.fileOf(fd),
    undo: (fd) => sys.close(fd),
  };

  /** @internal How a slot that an operation filled becomes a FixedFile; one that nobody gets is emptied. */
  protected openedSlot(into: Into): Outcome<FixedFile> {
    return {
      convert: (res) => this.slotOf(into, res),
      undo: (res) => this.emptySlot(into, res),
    };
  }

  /** @internal The slot that the kernel chose, or the one that it was told. */
  protected slotOf(into: Into, res: number): FixedFile {
    if (FixedFile.is(into)) return into;
    const table = into === 'alloc' ? this.files : into;
    if (table === undefined) throw wrongValue('options.into', 'absent: the ring has no file table', into);
    return table.at(res);
  }

  /** @internal */
  protected emptySlot(into: Into, res: number): void {
    try {
      this.closeFd(this.slotOf(into, res)).catch(() => {});
    } catch {
      // the table is gone, and its files with it
    }
  }
}
