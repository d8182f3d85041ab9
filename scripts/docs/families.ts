/** Operations on pages of their own: AsyncRing and Prepare have 90 of them, more than a page can hold. */
import { Comment, type DeclarationReflection, DeclarationReflection as Page, ReflectionKind } from 'typedoc';
import * as attributes from '../../lib/operations/attributes.ts';
import * as data from '../../lib/operations/data.ts';
import * as futexes from '../../lib/operations/futexes.ts';
import * as paths from '../../lib/operations/paths.ts';
import * as rings from '../../lib/operations/rings.ts';
import * as sockets from '../../lib/operations/sockets.ts';
import * as transfers from '../../lib/operations/transfers.ts';
import * as waiting from '../../lib/operations/waiting.ts';

/** A family of operations, as lib/operations has a file or two for each. */
const FAMILIES = {
  data: { title: 'reading and writing', module: data },
  paths: { title: 'files and paths', module: { ...paths, ...attributes } },
  sockets: { title: 'sockets', module: { ...sockets, ...transfers } },
  waiting: { title: 'waiting', module: { ...waiting, ...futexes } },
  rings: { title: 'rings', module: rings },
};
type Family = keyof typeof FAMILIES;
const families: readonly Family[] = ['data', 'paths', 'sockets', 'waiting', 'rings'];

const byName = new Map<string, Family>();
const byOperation = new Map<string, Family>();
for (const family of families) {
  for (const [name, value] of Object.entries<unknown>(FAMILIES[family].module)) {
    if (typeof value !== 'object' || value === null || !('op' in value)) continue;
    byName.set(name, family);
    if (!byOperation.has(String(value.op))) byOperation.set(String(value.op), family);
  }
}

function textOf(member: DeclarationReflection): string {
  const comments = [member.comment, ...(member.signatures ?? []).map(({ comment }) => comment)];
  return comments
    .flatMap((comment) => comment?.summary ?? [])
    .map(({ text }) => text)
    .join('');
}

/** By its name; an alias by what it is an alias of; what is written by hand by the operation that its comment names. */
function familyOf(member: DeclarationReflection): Family | undefined {
  const alias = /^this\["(\w+)"\]$/.exec(String(member.getSignature?.type ?? ''))?.[1];
  const [operation = ''] = /\bOP_\w+/.exec(textOf(member)) ?? [];
  return byName.get(alias ?? member.name) ?? byOperation.get(operation);
}

/** Moves the operations of a class or an interface to pages beside its own, and names those on it. */
export function splitByFamily(owner: DeclarationReflection, whole: string): void {
  const module = owner.parent;
  if (!(module instanceof Page)) throw new Error(`${owner.name} is in no module`);
  const pages: string[] = [];
  for (const family of families) {
    const members = (owner.children ?? []).filter((member) => familyOf(member) === family);
    if (members.length === 0) continue;
    const page = new Page(`${owner.name}: ${FAMILIES[family].title}`, ReflectionKind.Interface, module);
    owner.project.registerReflection(page, undefined, undefined);
    page.comment = new Comment([
      { kind: 'text', text: `Methods of ` },
      { kind: 'inline-tag', tag: '@link', text: owner.name, target: owner },
      { kind: 'text', text: ` (\`${whole}\`): ${FAMILIES[family].title}.` },
    ]);
    module.addChild(page);
    for (const member of members) {
      owner.removeChild(member);
      member.parent = page;
      delete member.inheritedFrom;
      for (const signature of member.signatures ?? []) delete signature.inheritedFrom;
      page.addChild(member);
    }
    pages.push(page.name);
    owner.comment ??= new Comment();
    owner.comment.summary.push(
      { kind: 'text', text: pages.length === 1 ? '\n\nIts operations: ' : ', ' },
      { kind: 'inline-tag', tag: '@link', text: FAMILIES[family].title, target: page },
    );
  }
  owner.comment?.summary.push({ kind: 'text', text: '.' });
}
