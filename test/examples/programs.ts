/** Programs in Markdown, which run as they stand. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type OpName, probe } from '../../lib/register/support.ts';
import type { RegisterOpName } from '../../structs/register-ops.ts';
import { ROOT } from '../helpers/loader.ts';
import { type Needs, needs, needsOp } from '../helpers/needs.ts';
import { runTypeScript } from './child.ts';

/** A block between fences. */
export interface Block {
  readonly language: string;
  readonly body: string;
}

/** A program: its first line is a comment with its file name and what it needs of the kernel. */
export interface Program extends Block {
  readonly name: string;
  readonly needs: readonly string[];
  /** What it prints, where the text says so. */
  readonly prints: string | undefined;
}

export function blocksOf(text: string): Block[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', body = '']) => ({
    language,
    body,
  }));
}

export function programsOf(blocks: readonly Block[]): Program[] {
  return blocks.flatMap((block, i) => {
    if (!['js', 'ts'].includes(block.language)) return [];
    const [, name = '', rest = ''] = /^\/\/ (\S+)(?: needs (.*))?\n/.exec(block.body) ?? [];
    const next = blocks[i + 1];
    const prints = next?.language === 'text' ? next.body : undefined;
    return [{ ...block, name, needs: rest.split(' ').filter((word) => word !== ''), prints }];
  });
}

const isOperation = (name: string): name is OpName => name in probe().ops;
const isRegisterOp = (name: string): name is RegisterOpName => name in probe().register;

function needsOf({ name, needs: names }: Program): Needs {
  for (const each of names)
    if (!isOperation(each) && !isRegisterOp(each))
      throw new Error(`${name} needs ${each}, which is no operation and no register opcode`);
  return { ...needsOp(...names.filter(isOperation)), ...needs(...names.filter(isRegisterOp)) };
}

/** A test for each program, in a folder that has uring installed, as a user's has. */
export function testPrograms(where: string, programs: readonly Program[]): void {
  const folder = mkdtempSync(join(tmpdir(), 'uring-programs-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/uring'));
  after(() => rmSync(folder, { recursive: true }));
  for (const program of programs) {
    const { name, body, prints } = program;
    test(`${name} of ${where} runs, and prints what is said`, needsOf(program), () => {
      const path = join(folder, name.replace(/\.ts$/, '.mts'));
      writeFileSync(path, body);
      const { status, stdout, stderr } = runTypeScript([path], { cwd: folder });
      assert.equal(status, 0, stderr);
      assert.equal(stderr, '');
      if (prints === undefined) assert.notEqual(stdout, '');
      // newer versions of Node.js give their first thread a name
      else assert.equal(stdout.replaceAll('node-MainThread', 'node'), prints);
    });
  }
}
