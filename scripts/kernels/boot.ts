/** Boots a kernel in qemu, emulated, and reads what the guest tells on a serial port. */
import { spawn } from 'node:child_process';
import { appendFileSync, copyFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Rung } from './ladder.ts';

const MEMORY_MIB = 1024;
const DISK_MIB = 64;
/** What the emulated machine need not do. */
const KERNEL = [
  'quiet panic=-1 nokaslr lsm= mitigations=off cryptomgr.notests=1 raid6_pq.skip=1 no_timer_check',
  'random.trust_cpu=on nvme.poll_queues=1',
];

/** What a guest is started from. */
export interface Guest {
  readonly rung: Rung;
  readonly image: string;
  /** Archives, unpacked one over the other. */
  readonly archives: readonly string[];
  /** For the disk and the console's output. */
  readonly folder: string;
  /** What the guest's processes find in their environment; must survive the kernel's command line. */
  readonly environment: Readonly<Record<string, string>>;
  /** Does the kernel audit? */
  readonly isAudited?: boolean;
  /** Without a line for so long, the guest hangs. */
  readonly silenceMs: number;
}

/** How it ended. */
export interface Ending {
  /** Was it stopped because it was silent? */
  readonly isHung: boolean;
  /** The last lines of the kernel's console. */
  readonly console: string;
}

function machine({ architecture }: Rung): string[] {
  // qemu 7.2 leaves wrong flags behind a cmpxchg16b, which ends a guest now and then; Linux does without
  if (architecture === 'x64') return ['qemu-system-x86_64', '-cpu', 'max,-cx16'];
  // has pages of 16 KiB, and no pointer authentication, which is dear to emulate
  return ['qemu-system-aarch64', '-M', 'virt', '-cpu', 'cortex-a76'];
}

/** The serial ports: the console goes to a file, what the guest tells to qemu's stdout. */
function serialPorts(
  { architecture }: Rung,
  consoleFile: string,
): { readonly args: string[]; readonly kernel: string } {
  const args = ['-chardev', 'stdio,id=out,signal=off', '-serial', `file:${consoleFile}`];
  return architecture === 'x64'
    ? { args: [...args, '-serial', 'chardev:out'], kernel: 'console=ttyS0 URING_OUT=/dev/ttyS1' }
    : {
        args: [...args, '-device', 'pci-serial,chardev=out'],
        kernel: 'console=ttyAMA0 URING_OUT=/dev/ttyS0',
      };
}

function commandLine(guest: Guest, consoleFile: string): string[] {
  const { rung, image, archives, folder, environment, isAudited = false } = guest;
  const initrd = join(folder, 'initrd');
  const disk = join(folder, 'disk');
  const [first = '', ...others] = archives;
  copyFileSync(first, initrd);
  for (const each of others) appendFileSync(initrd, readFileSync(each));
  writeFileSync(disk, '');
  truncateSync(disk, DISK_MIB * 2 ** 20);
  const serial = serialPorts(rung, consoleFile);
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return [
    ...machine(rung),
    ...['-accel', 'tcg,tb-size=256', '-m', `${MEMORY_MIB}`, '-smp', '2'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-monitor', 'none', '-no-reboot'],
    ...serial.args,
    ...[
      '-drive',
      `file=${disk},format=raw,if=none,id=disk,cache=unsafe`,
      '-device',
      'nvme,drive=disk,serial=scratch',
    ],
    ...[
      '-kernel',
      image,
      '-initrd',
      initrd,
      '-append',
      [serial.kernel, ...variables, ...KERNEL, `audit=${Number(isAudited)}`].join(' '),
    ],
  ];
}

/** Runs a guest to its end; `onLine` gets each line that it tells. */
export async function boot(guest: Guest, onLine: (line: string) => void): Promise<Ending> {
  const consoleFile = join(guest.folder, 'console');
  const [program = '', ...args] = commandLine(guest, consoleFile);
  const qemu = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let isHung = false;
  let errors = '';
  const stop = (): void => void qemu.kill('SIGKILL');
  const watchdog = setTimeout(() => {
    isHung = true;
    stop();
  }, guest.silenceMs);
  process.once('exit', stop);
  qemu.stderr.on('data', (data) => (errors += data));
  createInterface({ input: qemu.stdout }).on('line', (line) => {
    watchdog.refresh();
    onLine(line);
  });
  try {
    await new Promise<void>((resolve, reject) => qemu.once('error', reject).once('close', () => resolve()));
  } finally {
    clearTimeout(watchdog);
    process.off('exit', stop);
  }
  const told = existsSync(consoleFile) ? readFileSync(consoleFile, 'latin1') : '';
  return { isHung, console: `${errors}${told}`.split(/\r?\n/).slice(-40).join('\n') };
}
