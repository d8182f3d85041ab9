import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../../bench/slow-peers.ts';
import { needs, needsOp } from '../helpers/needs.ts';

const NEEDS = { ...needsOp('OP_BIND', 'OP_LISTEN'), ...needs('REGISTER_PBUF_RING') };

test(
  '40 connections, 4 of which never read: the other 36 are served, and buffers stay free',
  NEEDS,
  async () => {
    // so few buffers that those 4 would have all of them
    const { echoes, wrong, fewest, free, length } = await run(36, 4, 0.5, 8);
    assert.equal(wrong, 0);
    assert.ok(echoes >= 36 && fewest >= 1, `${echoes} echoes, ${fewest} of one`);
    assert.ok(free >= length / 4, `${free} of ${length} buffers are free`);
  },
);
