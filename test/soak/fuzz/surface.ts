/** What there is to call, asked of the objects themselves: their methods, the names of parameters, the names of options. */

/** A method of an object. */
export interface Method {
  readonly name: string;
  /** The names of its parameters, as its source has them. */
  readonly parameters: readonly string[];
  readonly call: (target: object, args: readonly unknown[]) => unknown;
}

/** Methods that are no part of the public interface, or can't be called at random: each with the reason. */
export const EXCLUDED: { readonly [name: string]: string } = {
  run: 'protected',
  withFd: 'protected',
  iterate: 'protected',
  tell: 'protected',
  openedSlot: 'protected',
  openedFile: 'protected',
  fileOf: 'protected: it would take an fd that is not its own, and close it',
  slotOf: 'protected',
  emptySlot: 'protected',
  registerFirst: 'protected',
  detachFinalizer: 'protected',
  release: 'protected: a part of a buffer and of a message have a public one, which `using` calls',
  check: 'protected',
  disown: 'protected',
  adoptBuffers: 'internal',
  use: 'internal',
  whenFree: 'internal',
  core: 'internal',
  held: 'internal',
};

/** Functions of `uring/raw` that are not called, each with the reason. */
export const EXCLUDED_RAW: { readonly [name: string]: string } = {
  register: 'any opcode with any pointer',
  registerBpfFilter: 'a filter without a ring is for the whole thread, for ever',
  registerRingFds: 'the indices belong to the thread',
  unregisterRingFds: 'the indices belong to the thread: it would take those of other rings away',
};

/** The text between the parentheses of a function's head. */
function head(source: string): string {
  let depth = 0;
  const start = source.indexOf('(');
  for (let i = start; i < source.length; i++) {
    if ('([{'.includes(source[i] ?? '')) depth++;
    if (')]}'.includes(source[i] ?? '') && --depth === 0) return source.slice(start + 1, i);
  }
  return '';
}

function parametersOf(source: string): string[] {
  const names: string[] = [];
  let depth = 0;
  let name = '';
  for (const character of `${head(source)},`) {
    if ('([{'.includes(character)) depth++;
    if (')]}'.includes(character)) depth--;
    if (character === ',' && depth === 0) {
      const trimmed = name.trim();
      // a pattern has no name: its first word stands for it
      if (trimmed !== '')
        names.push(trimmed.replace(/\s*=[\s\S]*$/, '').replace(/^\{\s*(\w+)[\s\S]*$/, '{$1}'));
      name = '';
    } else name += character;
  }
  return names;
}

function isFunction(value: unknown): value is (...args: readonly unknown[]) => unknown {
  return typeof value === 'function';
}

/** What a getter gives without an object of its class: a method, where it is another name of one. */
function aliased(prototype: object, get: (() => unknown) | undefined): unknown {
  try {
    const value: unknown = get === undefined ? undefined : Reflect.apply(get, prototype, []);
    return isFunction(value) ? value : get;
  } catch {
    // it needs the state of an object
    return get;
  }
}

/** A function as a method. */
export function methodOf(name: string, value: unknown): Method | undefined {
  if (!isFunction(value)) return undefined;
  return {
    name,
    parameters: parametersOf(value.toString()),
    call: (target, args) => Reflect.apply(value, target, args),
  };
}

const found = new Map<object, readonly Method[]>();

/** The methods of an object, its getters among them, also the inherited ones. */
export function methodsOf(object: object): readonly Method[] {
  const prototype: object | null = Object.getPrototypeOf(object);
  const known = prototype === null ? [] : found.get(prototype);
  if (known !== undefined || prototype === null) return known ?? [];
  const methods = new Map<string, Method>();
  for (let each: object | null = prototype; each !== null && each !== Object.prototype; ) {
    for (const [name, { value, get }] of Object.entries(Object.getOwnPropertyDescriptors(each))) {
      const isKnown = name === 'constructor' || methods.has(name) || name in EXCLUDED;
      const method = isKnown ? undefined : methodOf(name, value ?? aliased(each, get));
      if (method) methods.set(name, method);
    }
    each = Object.getPrototypeOf(each);
  }
  found.set(prototype, [...methods.values()]);
  return [...methods.values()];
}

/** Where a value that names what would have been right says so. */
const NAMES = /must be one of ([\w, ]+)\. Received/;

/** Where a method takes its options: last, or before a callback; -1 where it takes none that it names. */
export function placeOfOptions({ parameters }: Method): number {
  const place = parameters.indexOf('options');
  return place >= 0 || !/what|limits/.test(parameters.at(-1) ?? '') ? place : parameters.length - 1;
}

/** The names of the options that a method takes; undefined where it does not tell. */
export async function optionsOf(object: object, method: Method): Promise<string[] | undefined> {
  const place = placeOfOptions(method);
  const args = Array.from({ length: place + 1 }, (_, i) => (i === place ? { noSuchOption: 1 } : undefined));
  try {
    const result: unknown = method.call(object, args);
    if (typeof result === 'object' && result !== null && 'next' in result && isFunction(result.next))
      await Reflect.apply(result.next, result, []);
    else await result;
  } catch (error) {
    const names = error instanceof Error ? NAMES.exec(error.message)?.[1] : undefined;
    return names?.split(', ');
  }
  return undefined;
}
