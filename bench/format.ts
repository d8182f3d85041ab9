/** Numbers for people. */
import { type Metric, of, type Row, ratio, type Summary } from './measure.ts';

/** Three digits. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-GB');
  return `${Number(value.toPrecision(3))}`;
}

/** A number with the prefix that leaves at most three digits before the point. */
function scaled(value: number, units: readonly (readonly [number, string])[]): string {
  const [size, unit] = units.find(([each]) => Math.abs(value) >= each) ?? units.at(-1) ?? [1, ''];
  return `${digits(value / size)} ${unit}`;
}

export function duration(ns: number): string {
  return scaled(ns, [
    [1e9, 's'],
    [1e6, 'ms'],
    [1e3, 'µs'],
    [1, 'ns'],
  ]);
}

export function rate(perSecond: number): string {
  return scaled(perSecond, [
    [1e6, 'M/s'],
    [1e3, 'k/s'],
    [1, '/s'],
  ]);
}

/** What a plot or a table shows of a row. */
export interface Axis {
  readonly title: string;
  /** What it is made of. */
  readonly metric: Metric;
  readonly value: (row: Row) => Summary;
  readonly text: (value: number) => string;
  /** Is more better? */
  readonly isRate: boolean;
}

/** Of times: of their reciprocals. */
function perSecond({ low, median, high }: Summary): Summary {
  return { low: 1e9 / high, median: 1e9 / median, high: 1e9 / low };
}

const count = (value: number) => digits(value);

export const axes = {
  time: { title: 'time for one', metric: 'ns', value: (row) => of(row, 'ns'), text: duration, isRate: false },
  rate: {
    title: 'operations in a second',
    metric: 'ns',
    value: (row) => perSecond(of(row, 'ns')),
    text: rate,
    isRate: true,
  },
  cpu: {
    title: 'CPU time for one',
    metric: 'cpuNs',
    value: (row) => of(row, 'cpuNs'),
    text: duration,
    isRate: false,
  },
  cpuRate: {
    title: 'operations in a second of CPU time',
    metric: 'cpuNs',
    value: (row) => perSecond(of(row, 'cpuNs')),
    text: rate,
    isRate: true,
  },
  bytes: {
    title: 'bytes of heap for each',
    metric: 'sum',
    value: (row) => of(row, 'sum'),
    text: count,
    isRate: false,
  },
  rss: {
    title: 'RSS, MiB',
    metric: 'sum',
    value: (row) => {
      const { low, median, high } = of(row, 'sum');
      return { low: low / 2 ** 20, median: median / 2 ** 20, high: high / 2 ** 20 };
    },
    text: (value) => `${digits(value)} MiB`,
    isRate: false,
  },
} satisfies { readonly [name: string]: Axis };

export type AxisName = keyof typeof axes;

/** How many times as much as the first side of its case, as text; nothing where thousands would say nothing. */
export function timesText(row: Row, first: Row | undefined, axis: Axis): string {
  if (first === undefined || row === first) return '';
  const { median } = axis.isRate ? ratio(first, row, axis.metric) : ratio(row, first, axis.metric);
  return median > 0.001 && median < 1000 ? digits(median) : '';
}
