/**
 * `npm run docs [-- FOLDER]`: the documentation site, in docs/site or another folder: a page for each public symbol, from
 * the comments in the sources, and the guides of docs/guides beside them. It fails where a link leads nowhere, or a public
 * symbol has no page.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Application, Converter, type ProjectReflection, ReflectionKind } from 'typedoc';
import { entrances, root } from '../build/entrances.ts';
import { check } from './check.ts';
import { splitByFamily } from './families.ts';

/** What one reads, in this order; a test finds what is missing. */
const DOCUMENTS = [
  ...[
    'start',
    'faces',
    'promises',
    'sizing',
    'buffers',
    'servers',
    'files',
    'errors',
    'containers',
    'security',
  ],
  ...['observing', 'bundlers', 'kernels', 'inside'],
].map((name) => `docs/guides/${name}.md`);
const MEASURED = ['performance', 'bench', 'kernels', 'toolchains'].map((name) => `docs/${name}.md`);

const [folder = join(root, 'docs/site')] = process.argv.slice(2);
/** README.md names the guides by addresses that hold on npm; here they are beside it. The page has a heading already. */
const readme = join(root, 'docs/.readme.md');
const text = readFileSync(join(root, 'README.md'), 'utf8');
writeFileSync(readme, text.replace(/^# .*\n/, '').replaceAll('https://unpkg.com/uring/docs/', './'));
process.once('exit', () => rmSync(readme, { force: true }));

const app = await Application.bootstrap({
  name: 'uring',
  readme,
  customCss: join(import.meta.dirname, 'site.css'),
  entryPoints: entrances.map(({ source }) => join(root, source)),
  tsconfig: join(root, 'tsconfig.build.json'),
  out: folder,
  projectDocuments: [...DOCUMENTS, ...MEASURED].map((path) => join(root, path)),
  groupOrder: ['Documents', 'Modules'],
  sortEntryPoints: false,
  includeHierarchySummary: false,
  // a file name that ends with .md would be an address
  markdownItOptions: { html: true, linkify: false },
  highlightLanguages: ['ts', 'js', 'sh', 'console', 'json', 'yaml', 'ini'],
  navigation: { includeGroups: true, includeCategories: true },

  disableSources: true,
  excludePrivate: true,
  excludeInternal: true,
  hideGenerator: true,
  cleanOutputDir: true,
  searchInComments: true,
  searchInDocuments: true,
  logLevel: 'Warn',
});

app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  nameModules(project);
  nameDocuments(project);
  for (const [name, whole] of [
    ['AsyncRing', 'new AsyncRing()'],
    ['Prepare', 'ring.prepare'],
  ] as const) {
    const owner = project
      .getReflectionsByKind(ReflectionKind.ClassOrInterface)
      .find((each) => each.name === name);
    if (owner?.isDeclaration()) splitByFamily(owner, whole);
  }
});

/** Modules have the names that users import: TypeDoc would call `uring/raw` lib/raw. */
function nameModules(project: ProjectReflection): void {
  for (const { specifier, source } of entrances) {
    const names = [source.replace(/\.ts$/, ''), source.replace(/(\/index)?\.ts$/, '')];
    const module = project.children?.find(({ name }) => names.includes(name));
    if (module === undefined)
      throw new Error(`no module ${names} among ${project.children?.map(({ name }) => name)}`);
    module.name = specifier;
  }
}

/** Documents have the names of their headings: TypeDoc would take those of the files. */
function nameDocuments(project: ProjectReflection): void {
  for (const document of project.documents ?? []) {
    const [first] = document.content;
    const [, title = ''] = /^(?:<!--.*?-->\s*)?# (.*)\n/.exec(first?.text ?? '') ?? [];
    if (title === '') throw new Error(`${document.name} has no heading`);
    document.name = title;
  }
}

const project = await app.convert();
if (project === undefined) throw new Error('TypeDoc could not read the sources');
await app.generateOutputs(project);
const problems = check(folder);
for (const problem of problems) console.error(problem);
if (app.logger.hasErrors() || problems.length > 0) process.exitCode = 1;
