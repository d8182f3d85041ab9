/** Latencies as pictures: bars on a terminal, and SVG. The scale is logarithmic: a tail is as wide as it is long. */
import type { Latencies, LatencyBucket } from '../host/accounts.ts';
import { shortNumber, shortTime } from './operation-rows.ts';
import { escaped } from './page.ts';

/**
 * Puts buckets together into bars of equal width, without gaps.
 * @param perOctave bars for each power of two
 */
export function bars(buckets: readonly LatencyBucket[], perOctave: number): LatencyBucket[] {
  const index = (ns: number): number => Math.floor(Math.log2(Math.max(1, ns)) * perOctave);
  const counts = new Map<number, number>();
  for (const { fromNs, toNs, count } of buckets) {
    const at = index((fromNs + toNs - 1) / 2);
    counts.set(at, (counts.get(at) ?? 0) + count);
  }
  if (counts.size === 0) return [];
  const least = Math.min(...counts.keys());
  const most = Math.max(...counts.keys());
  return Array.from({ length: most - least + 1 }, (_, i) => ({
    fromNs: 2 ** ((least + i) / perOctave),
    toNs: 2 ** ((least + i + 1) / perOctave),
    count: counts.get(least + i) ?? 0,
  }));
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

function drawn(share: number, width: number): string {
  const eighths = Math.round(share * width * 8);
  // what there is must be seen
  const shown = share > 0 ? Math.max(1, eighths) : 0;
  return `${'█'.repeat(Math.floor(shown / 8))}${EIGHTHS[shown % 8] ?? ''}`;
}

/** Lines for a terminal of this width. */
export function barLines({ buckets }: Latencies, width: number): string[] {
  const all = bars(buckets, 1);
  const most = Math.max(...all.map(({ count }) => count), 1);
  const room = Math.max(10, width - 26);
  return all.map(({ fromNs, toNs, count }) => {
    const range = `${shortTime(fromNs).padStart(6)} -${shortTime(toNs).padStart(7)}`;
    return `${range} ${shortNumber(count).padStart(6)} │${drawn(count / most, room)}`.trimEnd();
  });
}

const WIDTH = 400;
const HEIGHT = 154;
const MARGIN = { left: 8, right: 8, top: 32, bottom: 22 };
/** A picture of a single duration shows so many powers of two, or its bar would fill it. */
const LEAST_OCTAVES = 2;

/** Digits that times under a picture may begin with, the most first; then only each second or third power of ten. */
const STEPS: readonly { readonly digits: readonly number[]; readonly powers: number }[] = [
  { digits: [1, 1.5, 2, 3, 4, 5, 7], powers: 1 },
  { digits: [1, 2, 5], powers: 1 },
  { digits: [1, 3], powers: 1 },
  { digits: [1], powers: 1 },
  { digits: [1], powers: 2 },
  { digits: [1], powers: 3 },
];
/** So far apart their middles are at least: a label is `'100us'`. */
const LABEL_WIDTH = 48;

/** Times under the picture: as many as there is room for. `x` is where one stands. */
function ticks(least: number, most: number, x: (ns: number) => number): number[] {
  for (const { digits, powers } of STEPS) {
    const decades = Math.ceil(Math.log10(most) / powers) + 1;
    const found = Array.from({ length: decades }, (_, i) => digits.map((digit) => digit * 10 ** (i * powers)))
      .flat()
      .filter((ns) => ns >= least && ns <= most && Number.isInteger(ns));
    const isClear = found.every((ns, i) => i === 0 || x(ns) - x(found[i - 1] ?? ns) >= LABEL_WIDTH);
    if (isClear && found.length > 1) return found;
  }
  return [least, most];
}

/** An SVG picture. It has no colours of its own where a page gives them; `standalone` ones have. */
export function svg(title: string, { buckets, count, p50Ns, p99Ns }: Latencies, standalone = false): string {
  const all = bars(buckets, 4);
  const first = all[0];
  const last = all.at(-1);
  const most = Math.max(...all.map((bar) => bar.count), 1);
  const inner = WIDTH - MARGIN.left - MARGIN.right;
  const height = HEIGHT - MARGIN.top - MARGIN.bottom;
  const base = HEIGHT - MARGIN.bottom;
  const [low, high] = [Math.log2(first?.fromNs ?? 1), Math.log2(last?.toNs ?? 2)];
  const beside = Math.max(0, LEAST_OCTAVES - (high - low)) / 2;
  const [from, to] = [low - beside, high + beside];
  const x = (ns: number): number => MARGIN.left + ((Math.log2(ns) - from) / (to - from)) * inner;
  const round = (value: number): string => value.toFixed(1).replace(/\.0$/, '');
  const rects = all
    .filter((bar) => bar.count > 0)
    .map((bar) => {
      const tall = Math.max(1, (bar.count / most) * height);
      const wide = Math.max(1, x(bar.toNs) - x(bar.fromNs) - 1);
      const tip = `${shortTime(bar.fromNs)} to ${shortTime(bar.toNs)}: ${bar.count}`;
      return `<rect x="${round(x(bar.fromNs))}" y="${round(base - tall)}" width="${round(wide)}" height="${round(tall)}"><title>${tip}</title></rect>`;
    });
  const labels = ticks(2 ** from, 2 ** to, x).map((ns) => {
    const at = Math.min(Math.max(x(ns), MARGIN.left + 12), WIDTH - MARGIN.right - 12);
    return `<line x1="${round(x(ns))}" y1="${base}" x2="${round(x(ns))}" y2="${base + 4}"/><text x="${round(at)}" y="${HEIGHT - 6}" text-anchor="middle">${shortTime(ns)}</text>`;
  });
  const marks = (
    [
      ['p50', p50Ns],
      ['p99', p99Ns],
    ] as const
  ).flatMap(([name, ns]) => {
    if (ns === undefined) return [];
    const at = x(Math.max(1, ns));
    const isRight = at > WIDTH / 2;
    return [
      `<line x1="${round(at)}" y1="${MARGIN.top - 2}" x2="${round(at)}" y2="${base}" stroke-dasharray="3 3"/>`,
      `<text x="${round(at + (isRight ? -3 : 3))}" y="${name === 'p50' ? 10 : 25}" text-anchor="${isRight ? 'end' : 'start'}">${name} ${shortTime(ns)}</text>`,
    ];
  });
  const style = standalone
    ? '<style>text{fill:#57606a;font:11px system-ui,sans-serif}rect{fill:#2f6fb5}line{stroke:#9da7b1}</style>'
    : '';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}: ${count} latencies, p50 ${shortTime(p50Ns)}, p99 ${shortTime(p99Ns)}">${style}
${rects.join('\n')}
<line x1="${MARGIN.left}" y1="${base}" x2="${WIDTH - MARGIN.right}" y2="${base}"/>
${[...labels, ...marks].join('\n')}
</svg>`;
}
