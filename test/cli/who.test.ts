/** Who a process is, as people read it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escaped } from '../../lib/cli/page.ts';
import { ancestryText, whereText } from '../../lib/cli/who.ts';
import { identify } from '../../lib/host/who.ts';

test('what a host calls its processes and units is escaped once', () => {
  const own = identify(process.pid);
  assert.ok(own);
  const cgroup = { path: '/', container: undefined, unit: 'a\\x2db.service' };
  const who = { ...own, ancestry: [{ pid: 7, comm: 'a\\b\n<' }], cgroup };
  assert.equal(escaped(ancestryText(who)), 'a\\\\b\\n&lt;(7)');
  assert.equal(escaped(whereText(who) ?? ''), 'a\\\\x2db.service');
});
