/** The rungs of the ladder: which kernels the tests run on. */
import { Misuse } from './commands.ts';

export type Architecture = 'x64' | 'arm64';

/** A kernel to run on: the newest of a series. */
export interface Rung {
  /** `'6.12'`, `'7.2-arm64-16k'`. */
  readonly name: string;
  /** `'6.12'`: never a version, for distributions drop those. */
  readonly series: string;
  readonly architecture: Architecture;
  /** As Debian names its builds: `'cloud-amd64'`. */
  readonly flavour: string;
  /** Does another series do, if this one is not to be had: the newest there is? */
  readonly orNewest?: boolean;
}

const DEFAULT = ['5.10', '6.1', '6.12', '6.18', '7.3'];
const ALL = [
  ...['5.10', '6.1', '6.12', '6.16', '6.17', '6.18', '6.19', '7.0', '7.1', '7.2', '7.3'],
  ...['6.1-arm64', '7.2-arm64', '7.2-arm64-16k'],
];

/** Kernels that have another one's io_uring by backport, and count as that. */
const COUNTS_AS = new Map([['5.10', '5.15']]);

/** `'6.12'`, `'7.2-arm64'` or `'7.2-arm64-16k'`; undefined for what is no rung. */
export function rung(name: string): Rung | undefined {
  const found = /^(\d+\.\d+)(-arm64)?(-16k)?$/.exec(name);
  if (!found || (found[3] !== undefined && found[2] === undefined)) return undefined;
  const architecture = found[2] === undefined ? 'x64' : 'arm64';
  const flavour = found[3] === undefined ? `cloud-${debianName(architecture)}` : 'arm64-16k';
  return { name, series: found[1] ?? '', architecture, flavour };
}

/** The rungs that `names` name, or those of the default ladder, or all. */
export function ladder(names: readonly string[], isAll: boolean): Rung[] {
  const wanted = names.length > 0 ? names : isAll ? ALL : DEFAULT;
  return wanted.map((name) => {
    const found = rung(name);
    if (!found) throw new Misuse(`${name} is no series: they are named as 6.12, 7.2-arm64, 7.2-arm64-16k`);
    return { ...found, orNewest: names.length === 0 && name === DEFAULT.at(-1) };
  });
}

/** The mainline version that a kernel's io_uring is of: `'5.15'` for Debian's 5.10.y, which has it by backport. */
export function mainline(series: string): string {
  return COUNTS_AS.get(series) ?? series;
}

/** Is one version, major and minor, older than another? */
export function isOlder(one: string, other: string): boolean {
  const [major = 0, minor = 0] = one.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split('.').map(Number);
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

export function debianName(architecture: Architecture): 'amd64' | 'arm64' {
  return architecture === 'x64' ? 'amd64' : 'arm64';
}
