/** Names for rings: their addresses in the kernel must not leave a trace. */
import { addressOfRing } from './op-events.ts';

/** The rings of a trace: `'r1'`, `'r2'`, in the order in which they were first seen. */
export class Rings {
  readonly #names = new Map<number, string>();
  #count = 0;

  /** The ring at this address is a new one: that of a ring which was closed is used again. */
  made(ctx: bigint): string {
    return this.#name(addressOfRing(ctx));
  }

  of(ctx: bigint): string {
    return this.at(addressOfRing(ctx));
  }

  /** @param address the low 52 bits */
  at(address: number): string {
    return this.#names.get(address) ?? this.#name(address);
  }

  #name(address: number): string {
    const name = `r${++this.#count}`;
    this.#names.set(address, name);
    return name;
  }
}
