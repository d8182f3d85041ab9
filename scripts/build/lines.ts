/** Code in lines, where they may end: a string that goes on in the next line is changed by whoever indents the file. */
import { parseAst } from '@rollup/wasm-node/parseAst';

/** A line ends before the next statement or element, once it has so many characters. */
const LONG = 240;
/** Where nodes have what may begin a line. */
const LISTS = ['body', 'consequent', 'properties'];
/** What these have begins a line always. */
const OWN_LINES = ['Program', 'ClassBody'];

interface Node {
  readonly type: string;
  readonly start: number;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

/** Code without line breaks, in lines: one for each statement of a module and each member of a class, or more. */
export function inLines(code: string): string {
  const always = new Set<number>();
  const maybe = new Set<number>();
  const visit = (node: Node): void => {
    for (const [key, value] of Object.entries(node)) {
      const children = (Array.isArray(value) ? value : [value]).filter(isNode);
      const places = OWN_LINES.includes(node.type) ? always : maybe;
      if (Array.isArray(value) && LISTS.includes(key)) for (const { start } of children) places.add(start);
      children.forEach(visit);
    }
  };
  visit(parseAst(code));
  let line = 0;
  const lines: string[] = [];
  for (const place of [...always, ...maybe].sort((a, b) => a - b)) {
    if (place === line || (!always.has(place) && place - line < LONG)) continue;
    lines.push(code.slice(line, place));
    line = place;
  }
  return [...lines, code.slice(line)].join('\n');
}
