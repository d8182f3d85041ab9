// The same modules by require, and the same objects as by import.
const assert = require('node:assert/strict');
const uring = require('uring');
const raw = require('uring/raw');
const structs = require('uring/structs');
const host = require('uring/host');

assert.equal(typeof uring.Ring, 'function');
assert.equal(typeof raw.register, 'function');
assert.equal(structs.Sqe.size, 64);
import('uring').then(({ Ring }) => assert.equal(Ring, uring.Ring));
import('uring/fs').then((imported) => assert.deepEqual({ ...imported }, { ...require('uring/fs') }));
import('uring/host').then((imported) => assert.deepEqual({ ...imported }, { ...host }));
