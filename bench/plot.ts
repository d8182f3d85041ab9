/** Measurements as SVG. */
import * as vega from 'vega';
import * as vegaLite from 'vega-lite';
import { type AxisName, axes, timesText } from './format.ts';
import type { Family } from './harness.ts';
import type { Row } from './measure.ts';

/** One mark: a row on an axis. */
interface Datum {
  readonly case: string;
  readonly by: string;
  readonly low: number;
  readonly value: number;
  readonly high: number;
  readonly label: string;
  readonly colour: string;
}

const OURS = '#2f6fde';
const NODES = '#d9a441';
const OTHERS = '#7d8590';
const INK = '#1f2328';
const FONT = 'system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif';
const STEP = 17;
const WIDTH = 310;
/** For the names of the sides. */
const NAMES = 190;

function colourOf(by: string): string {
  if (['C', 'fio', 'nothing', 'koffi'].includes(by)) return OTHERS;
  if (by.includes('uring')) return OURS;
  return /FileHandle|fs|node:/.test(by) ? NODES : OURS;
}

/** The rows of each case, in order. */
function byCase(rows: readonly Row[]): Row[][] {
  const cases = new Map<string, Row[]>();
  for (const row of rows) cases.set(row.case, [...(cases.get(row.case) ?? []), row]);
  return [...cases.values()];
}

function datum(family: Family, row: Row, first: Row | undefined, name: AxisName): Datum {
  const axis = axes[name];
  const { low, median, high } = axis.value(row);
  const times = timesText(row, first, axis);
  const label = `${axis.text(median)}${times === '' ? '' : `  ×${times}`}`;
  const heading = family.heading?.(row.case) ?? row.case;
  return { case: heading, by: row.by, low, value: median, high, label, colour: colourOf(row.by) };
}

/** Few round numbers of a logarithmic axis. */
function ticksOf([least = 1, most = 1]: readonly number[]): number[] {
  const decades = Array.from({ length: 12 }, (_, i) => 10 ** i);
  const steps = most / least > 500 ? [1] : [1, 2, 5];
  return decades
    .flatMap((ten) => steps.map((step) => ten * step))
    .filter((each) => each >= least && each <= most);
}

/** An axis whose title has no unit: its numbers have. */
function axisOf(name: AxisName, logDomain?: readonly number[]) {
  const isTime = name === 'time' || name === 'cpu';
  const labelExpr = isTime
    ? "datum.value >= 1e6 ? datum.value / 1e6 + ' ms' : datum.value >= 1e3 ? datum.value / 1e3 + ' µs' : datum.value + ' ns'"
    : "datum.value >= 1e6 ? datum.value / 1e6 + ' M' : datum.value >= 1e3 ? datum.value / 1e3 + ' k' : datum.value";
  const { title } = axes[name];
  const values = logDomain && { values: ticksOf(logDomain) };
  return {
    title,
    labelExpr,
    gridColor: '#e6e8eb',
    domain: false,
    ticks: false,
    tickCount: 4,
    labelOverlap: true,
    ...values,
  };
}

/** The sides of one case below each other, with room for their labels on the right. */
function barsOf(
  values: readonly Datum[],
  name: AxisName,
  domain: readonly number[],
  isFirst: boolean,
  isLog: boolean,
) {
  const heading = isFirst ? (values[0]?.case ?? '') : ' ';
  // where a label begins: behind the bar and its line, unless that leads out of the picture
  const placed = values.map((each) => ({
    ...each,
    behind: Math.min(Math.max(each.value, each.high), isLog ? each.high : 0.66 * (domain[1] ?? 0)),
  }));
  const scale = { type: isLog ? 'log' : 'linear', domain, nice: false };
  const x = (field: string) => ({
    field,
    type: 'quantitative',
    scale,
    axis: axisOf(name, isLog ? domain : undefined),
  });
  const sides = { ticks: false, domain: false, labelLimit: 0, minExtent: NAMES, maxExtent: NAMES };
  const y = { field: 'by', type: 'nominal', sort: null, title: null, axis: isFirst ? sides : null };
  const mark = isLog
    ? { type: 'point', filled: true, size: 70, opacity: 1 }
    : { type: 'bar', height: { band: 0.72 } };
  return {
    data: { values: placed },
    width: WIDTH,
    height: { step: STEP },
    title: { text: heading, anchor: 'start', frame: 'bounds', fontSize: 12, offset: 2 },
    layer: [
      { mark, encoding: { x: x('value'), y, color: { field: 'colour', type: 'nominal', scale: null } } },
      {
        mark: { type: 'rule', strokeWidth: 1.5, color: INK, clip: true },
        encoding: { x: x('low'), x2: { field: 'high' }, y },
      },
      {
        mark: { type: 'text', align: 'left', dx: 8, fontSize: 11, color: INK },
        encoding: { x: x('behind'), y, text: { field: 'label' } },
      },
    ],
  };
}

/** Cases below each other on the same axis, which is drawn once. */
function panel(family: Family, rows: readonly Row[], name: AxisName, isFirst: boolean, isLog: boolean) {
  const cases = byCase(rows).map((own) => own.map((row) => datum(family, row, own[0], name)));
  const medians = cases.flat().map(({ value }) => value);
  const [least, most] = [Math.min(...medians), Math.max(...medians)];
  const domain = isLog ? [least / 1.5, most * (most / least) ** 0.5] : [0, most * 1.6];
  return {
    spacing: 8,
    vconcat: cases.map((values, i) => {
      const drawn = barsOf(values, name, domain, isFirst, isLog);
      if (i === cases.length - 1) return drawn;
      const quiet = { ...drawn, layer: JSON.parse(JSON.stringify(drawn.layer)) };
      for (const { encoding } of quiet.layer) Object.assign(encoding.x.axis, { title: null, labels: false });
      return quiet;
    }),
  };
}

/** Lines over the cases, which are numbers. The label of the highest stands above its line, that of the lowest below. */
function lines(family: Family, rows: readonly Row[], name: AxisName) {
  const values = rows.map((row) => {
    const mediansOf = (each: Row) => axes[name].value(each).median;
    const rivals = rows.filter((each) => each.case === row.case).map(mediansOf);
    const own = mediansOf(row);
    const place = own >= Math.max(...rivals) ? 'above' : own <= Math.min(...rivals) ? 'below' : 'none';
    return { ...datum(family, row, undefined, name), case: Number(row.case), place };
  });
  const domain = [
    Math.min(...values.map(({ low }) => low)) / 1.7,
    Math.max(...values.map(({ high }) => high)) * 1.7,
  ];
  const cases = values.map((each) => each.case);
  const flight = { title: 'operations in flight', grid: false, values: [...new Set(cases)], format: ',' };
  const beside = [Math.min(...cases) / 1.8, Math.max(...cases) * 1.8];
  const x = {
    field: 'case',
    type: 'quantitative',
    scale: { type: 'log', domain: beside, nice: false },
    axis: flight,
  };
  const scale = { type: 'log', domain, nice: false };
  const y = (field: string) => ({ field, type: 'quantitative', scale, axis: axisOf(name, domain) });
  const legend = { orient: 'top', labelFontSize: 12, labelLimit: 300 };
  const color = {
    field: 'by',
    type: 'nominal',
    sort: null,
    title: null,
    scale: { range: [OTHERS, OURS, NODES] },
    legend,
  };
  return {
    data: { values },
    width: 2 * WIDTH,
    height: 280,
    layer: [
      { mark: { type: 'line', point: { size: 60 } }, encoding: { x, y: y('value'), color } },
      {
        mark: { type: 'rule', strokeWidth: 1.5 },
        encoding: { x, y: y('low'), y2: { field: 'high' }, color },
      },
      ...[
        { place: 'above', end: 'high', dy: -12 },
        { place: 'below', end: 'low', dy: 14 },
      ].map(({ place, end, dy }) => ({
        transform: [{ filter: { field: 'place', equal: place } }],
        mark: { type: 'text', dy, fontSize: 11, color: INK },
        encoding: { x, y: y(end), text: { field: 'label' } },
      })),
    ],
  };
}

/** The plot of a family. White behind it: the page may be dark. */
export function svg(family: Family, rows: readonly Row[], host: string): Promise<string> {
  const { axes: names, isLine = false, isLog = false } = family.plot;
  const how = 'Medians of all rounds; black lines go from the lower to the upper quartile.';
  const colours = `× of ${rows[0]?.by}. Blue: this library, yellow: Node.js, grey: others.`;
  const spec = {
    background: 'white',
    padding: 16,
    title: {
      text: family.title,
      subtitle: [`One operation is ${family.unit}.`, how, ...(isLine ? [] : [colours]), host],
      anchor: 'start',
      fontSize: 17,
      subtitleFontSize: 12,
      subtitleColor: '#59636e',
      offset: 14,
    },
    config: {
      font: FONT,
      view: { stroke: null },
      axis: { labelFontSize: 11, titleFontSize: 12, titleFontWeight: 'normal' },
    },
    spacing: 20,
    hconcat: names.map((name, i) =>
      isLine ? lines(family, rows, name) : panel(family, rows, name, i === 0, isLog),
    ),
  };
  // the compiler checks the specification itself, at run time
  const { spec: compiled } = vegaLite.compile(JSON.parse(JSON.stringify(spec)));
  return new vega.View(vega.parse(compiled)).toSVG();
}
