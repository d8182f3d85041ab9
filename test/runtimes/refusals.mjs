/** Where nothing can work: imports everything, calls what is called first, and writes the errors as JSON. */
import { AsyncRing, alloc, probe, Ring } from 'uring';
import * as raw from 'uring/raw';
import * as structs from 'uring/structs';

const calls = {
  ring: () => new Ring(8),
  async: () => new AsyncRing(8),
  probe: () => probe(),
  alloc: () => alloc(4096),
  setup: () => raw.setup(8),
  register: () => raw.register(0, 8, 0, 0),
  enter: () => raw.enter(0),
  pipe: () => raw.libc.pipe(),
};

const errors = Object.entries(calls).map(([call, body]) => {
  try {
    body();
    return { call, code: 'none', message: 'nothing was thrown' };
  } catch ({ code, message }) {
    return { call, code, message };
  }
});
console.log(JSON.stringify({ errors, structs: Object.keys(structs).length }));
