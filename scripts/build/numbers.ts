/**
 * Constants of a module become the numbers that they are. V8 inlines only so many bytes of code into one function, and a
 * constant of a large module takes ten of them where a number takes three: without it a call is left in the path of each
 * operation, which then takes a tenth longer.
 */
import { dirname, extname, join } from 'node:path';
import type {
  BinaryExpression,
  Expression,
  Identifier,
  ImportDeclaration,
  Node,
  Pattern,
  PrivateIdentifier,
  Program,
  VariableDeclarator,
} from 'estree';
import { walk } from 'estree-walker';
import isReference from 'is-reference';
import MagicString from 'magic-string';
import { root } from './entrances.ts';

/** What names stand for, where the build knows it: numbers, the kernel's constants, layouts of structs. */
type Values = Map<string, unknown>;

const OPERATORS: { readonly [operator: string]: (a: number, b: number) => number } = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '**': (a, b) => a ** b,
  '|': (a, b) => a | b,
  '&': (a, b) => a & b,
  '<<': (a, b) => a << b,
};

function binary({ left, operator, right }: BinaryExpression, values: Values): unknown {
  const [a, b] = [left, right].map((each) => evaluate(each, values));
  return typeof a === 'number' && typeof b === 'number' ? OPERATORS[operator]?.(a, b) : undefined;
}

/** What an expression gives; undefined where the build does not know. */
function evaluate(node: Expression | PrivateIdentifier | null | undefined, values: Values): unknown {
  if (node?.type === 'Literal') return node.value;
  if (node?.type === 'Identifier') return values.get(node.name);
  if (node?.type === 'BinaryExpression') return binary(node, values);
  if (node?.type === 'UnaryExpression' && node.operator === '-') {
    const value = evaluate(node.argument, values);
    return typeof value === 'number' ? -value : undefined;
  }
  if (node?.type !== 'MemberExpression' || node.computed || node.property.type !== 'Identifier')
    return undefined;
  const object = node.object.type === 'Super' ? undefined : evaluate(node.object, values);
  return typeof object === 'object' && object !== null ? Reflect.get(object, node.property.name) : undefined;
}

/** The kernel's constants, or the layout of a struct: the same on every machine, unlike what others may have measured. */
function isFixed(name: string, value: unknown): boolean {
  return name === 'constants' || (typeof value === 'object' && value !== null && 'encodeInto' in value);
}

/** What is imported from structs/. */
async function imported(
  { source, specifiers }: ImportDeclaration,
  id: string,
  values: Values,
): Promise<void> {
  const path = join(dirname(id), String(source.value));
  if (!path.startsWith(join(root, 'structs/')) || !String(source.value).startsWith('.')) return;
  const module: { readonly [name: string]: unknown } = await import(
    path.replace(/\.ts$/, extname(import.meta.filename))
  );
  for (const each of specifiers) {
    if (each.type !== 'ImportSpecifier' || each.imported.type !== 'Identifier') continue;
    const { name } = each.imported;
    if (isFixed(name, module[name])) values.set(each.local.name, module[name]);
  }
}

/** The constants that `{ A, B: C } = constants` makes; undefined where one of them is no number. */
function destructured(pattern: Pattern, object: unknown): [name: string, value: number][] | undefined {
  if (pattern.type !== 'ObjectPattern' || typeof object !== 'object' || object === null) return undefined;
  const pairs: [string, number][] = [];
  for (const each of pattern.properties) {
    if (each.type !== 'Property' || each.key.type !== 'Identifier' || each.value.type !== 'Identifier')
      return undefined;
    const value: unknown = Reflect.get(object, each.key.name);
    if (typeof value !== 'number') return undefined;
    pairs.push([each.value.name, value]);
  }
  return pairs;
}

function literal(value: number): string {
  return value < 0 ? `(${value})` : String(value);
}

/** Where a node is in the code: rollup's parser says it. */
function place(node: Node): [start: number, end: number] {
  const { start, end }: { start?: number; end?: number } = node as object;
  if (start === undefined || end === undefined) throw new Error('a node without a place');
  return [start, end];
}

/** Declares constants by their numbers, and learns them; false where they are none. */
function declare({ id, init }: VariableDeclarator, values: Values, text: MagicString): boolean {
  const value = evaluate(init, values);
  const pairs = id.type === 'Identifier' ? [[id.name, value] as const] : destructured(id, value);
  if (pairs === undefined || init == null || pairs.some(([, each]) => typeof each !== 'number')) return false;
  for (const [name, each] of pairs) values.set(name, each);
  text.overwrite(place(id)[0], place(init)[1], pairs.map(([name, each]) => `${name} = ${each}`).join(', '));
  return true;
}

/** The names that parts of the module declare for themselves; `own` are those of the module. */
function hidden(program: Program, own: ReadonlySet<Node>): Set<string> {
  const names = new Set<string>();
  const add = (pattern: Pattern | null | undefined) => {
    if (pattern == null) return;
    walk(pattern, {
      enter(node) {
        if (node.type === 'Identifier') names.add(node.name);
      },
    });
  };
  walk(program, {
    enter(node) {
      if (node.type === 'VariableDeclarator' && !own.has(node)) add(node.id);
      if (node.type === 'CatchClause') add(node.param);
      if ('params' in node) for (const each of node.params) add(each);
      if ('id' in node && node.type !== 'VariableDeclarator') add(node.id);
    },
  });
  return names;
}

/** The module `id`, its constants as numbers. */
export async function withNumbers(code: string, program: Program, id: string): Promise<string> {
  const values: Values = new Map();
  const text = new MagicString(code);
  const own = new Set<Node>();
  const isDeclared = new Set<Node>();
  for (const statement of program.body) {
    if (statement.type === 'ImportDeclaration') await imported(statement, id, values);
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declaration?.type !== 'VariableDeclaration' || declaration.kind !== 'const') continue;
    for (const each of declaration.declarations) {
      own.add(each);
      if (declare(each, values, text)) isDeclared.add(each);
    }
  }
  for (const name of hidden(program, own)) values.delete(name);
  walk(program, {
    enter(node, parent) {
      if (isDeclared.has(node) || node.type === 'ImportDeclaration' || node.type === 'ExportSpecifier')
        this.skip();
      else if (node.type === 'MemberExpression' || isName(node, parent)) {
        const value = evaluate(node, values);
        if (typeof value !== 'number') return;
        const isShort = parent?.type === 'Property' && parent.shorthand;
        text.overwrite(
          ...place(node),
          (isShort && node.type === 'Identifier' ? `${node.name}: ` : '') + literal(value),
        );
        this.skip();
      }
    },
  });
  return text.toString();
}

function isName(node: Node, parent: Node | null): node is Identifier {
  return node.type === 'Identifier' && parent !== null && isReference(node, parent);
}
