/**
 * The process in which the doctor tries system calls. Its fd 3 is a pipe: a line `NAME` before each trial, a line
 * `NAME RESULT` after it, so that who reads it knows which call did not come back.
 */
import { writeSync } from 'node:fs';
import { sys } from '../../sys/syscall.ts';
import { tryAll } from './trials.ts';

const PIPE = 3;
const RLIMIT_CORE = 4;

// the doctor leaves nothing behind: no core of a process that is killed
sys.setrlimit(RLIMIT_CORE, new BigUint64Array(2));
tryAll((name, result) => writeSync(PIPE, result === undefined ? `${name}\n` : `${name} ${result}\n`));
