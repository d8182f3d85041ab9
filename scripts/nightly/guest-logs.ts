/** Logs of tools that change what all of a host shares: trace-cmd and auditd, run in a guest of the kernel ladder. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { PackageTree } from '../kernels/apt.ts';
import { writeArchive } from '../kernels/archive.ts';
import { boot } from '../kernels/boot.ts';
import { checkTools, Infrastructure, run } from '../kernels/commands.ts';
import { Cache } from '../kernels/fetch.ts';
import { ladder } from '../kernels/ladder.ts';

const CACHE = join(import.meta.dirname, '../../node_modules/.cache/uring-kernels');
const SILENCE_MS = 240_000;
const INIT = readFileSync(new URL('../kernels/init.sh', import.meta.url), 'utf8');

/** The tools, and the libraries that they need beside those of every guest. */
const PROGRAMS = ['trace-cmd', 'auditd'];
const LIBRARIES = [
  ...['libtracefs1', 'libtraceevent1', 'libzstd1', 'zlib1g', 'libaudit1', 'libauparse0t64', 'libcap-ng0'],
  ...['libwrap0', 'libgssapi-krb5-2', 'libkrb5-3', 'libk5crypto3', 'libkrb5support0', 'libcom-err2'],
  ...['libkeyutils1', 'libssl3t64'],
];

const EVENTS = [
  ...['syscalls:sys_enter_io_uring_register', 'syscalls:sys_exit_io_uring_register'],
  'io_uring:io_uring_register',
];
const REPORTS = [
  '',
  '-t',
  '-l',
  '-l -t',
  '-R',
  '--ts-diff',
  '--ts-diff -t',
  '--raw-ts',
  '--align-ts',
  '--nodate',
  '-N',
];
const AUDIT_LOG = '/var/log/audit/audit.log';
const SEARCHES = ['-i', '--raw', '', '--format raw', '--arch x86_64', '-i --arch x86_64'];

/** What the guest tells at its end. */
const LAST = `ausearch ${SEARCHES.at(-1)}`;

const AUDITD = `local_events = yes
write_logs = yes
log_file = ${AUDIT_LOG}
log_group = root
log_format = ENRICHED
flush = INCREMENTAL_ASYNC
freq = 50
max_log_file = 8
num_logs = 2
max_log_file_action = IGNORE
space_left = 2
space_left_action = IGNORE
admin_space_left = 1
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
`;

/** What a guest does: each `say` sends what it reads, by a name. */
const SCRIPT = `#!/bin/busybox sh
export PATH=/usr/sbin:/usr/bin:/bin HOME=/root LC_ALL=C
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tracefs tracing /sys/kernel/tracing
mount -t tmpfs tmp /tmp
stty -F "$URING_OUT" raw -echo
say() { { printf '@@%s|' "$1"; gzip -c | base64 -w 0; echo; } >"$URING_OUT"; }

trace-cmd record ${EVENTS.map((each) => `-e ${each}`).join(' ')} -o /tmp/trace.dat /regs >/dev/null 2>&1
${REPORTS.map((each) => `trace-cmd report -i /tmp/trace.dat ${each} 2>/dev/null | say 'trace-cmd report ${each}'`).join('\n')}

auditd -n >/tmp/auditd.log 2>&1 &
for i in $(seq 100); do auditctl -s 2>/dev/null | grep -q '^pid [1-9]' && break; sleep 0.1; done
{ cat /tmp/auditd.log; auditctl -s; } 2>&1 | say said
auditctl -b 8192 >/dev/null
auditctl -a always,exit -F arch=b64 -S io_uring_register -k rings 2>&1 | say said
/regs >/dev/null
auditctl -D >/dev/null
kill "$(pidof auditd)"
while pidof auditd >/dev/null; do sleep 0.1; done
say 'auditd' <${AUDIT_LOG}
${SEARCHES.map((each) => `ausearch -if ${AUDIT_LOG} -k rings ${each} 2>/dev/null </dev/null | say 'ausearch ${each}'`).join('\n')}
poweroff -f
`;

/** The program and the tools, to be unpacked over what every guest has. */
function tools(program: string, folder: string): string {
  const root = join(folder, 'root');
  for (const each of ['etc/audit/plugins.d', 'var/log/audit', 'var/run', 'run'])
    mkdirSync(join(root, each), { recursive: true });
  const tree = new PackageTree(CACHE, 'x64');
  for (const each of PROGRAMS) tree.unpack(each, root, ['./usr/*bin/*']);
  for (const each of LIBRARIES) tree.unpack(each, root, ['*lib*/*.so*']);
  run('cc', ['-O2', '-pthread', '-static', '-o', join(root, 'regs'), program]);
  writeFileSync(join(root, 'etc/audit/auditd.conf'), AUDITD, { mode: 0o640 });
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
  writeFileSync(join(root, 'init'), SCRIPT, { mode: 0o755 });
  const archive = join(folder, 'tools.cpio');
  writeArchive(root, archive);
  return archive;
}

/**
 * Boots a kernel with the tools in it.
 * @param program the source of the program whose calls they write down
 * @returns the logs, by the command that wrote each
 */
export async function guestLogs(program: string, series: string): Promise<ReadonlyMap<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'uring-guest-logs-'));
  try {
    const [rung] = ladder([series], false);
    if (rung === undefined) throw new Infrastructure(`no kernel ${series}`);
    checkTools([rung.architecture]);
    const cache = new Cache(CACHE);
    const { image } = cache.kernel(rung);
    const archives = [cache.userland(rung.architecture, INIT), tools(program, folder)];
    const guest = { rung, image, archives, folder, environment: {}, silenceMs: SILENCE_MS, isAudited: true };
    const logs = new Map<string, string>();
    const said: string[] = [];
    const { isHung, console } = await boot(guest, (line) => {
      const [, name = '', data] = /^@@([^|]+)\|(.*)$/.exec(line) ?? [];
      const text = data === undefined ? line : gunzipSync(Buffer.from(data, 'base64')).toString();
      if (name === '' || name === 'said') said.push(text);
      else logs.set(name, text);
    });
    if (isHung || !logs.has(LAST))
      throw new Infrastructure(`the guest did not come to its end\n${said.join('\n')}\n${console}`);
    return logs;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
