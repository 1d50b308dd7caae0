import type { NodeLoad } from './fit.js';

/**
 * Nodes in the order in which they came, chained by the nodes themselves: finding the first, adding and
 * taking out cost the same however many there are. (A Set keeps the places of what was taken out and
 * walks over them.) A node is in one list at most.
 */
export class NodeList implements Iterable<NodeLoad> {
  #first: NodeLoad | undefined;
  #last: NodeLoad | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(load: NodeLoad): boolean {
    return load.list === this;
  }

  add(load: NodeLoad): void {
    load.list?.delete(load);
    load.list = this;
    load.before = this.#last;
    if (this.#last === undefined) this.#first = load;
    else this.#last.after = load;
    this.#last = load;
    this.#size += 1;
  }

  delete(load: NodeLoad): void {
    if (load.list !== this) return;
    if (load.before === undefined) this.#first = load.after;
    else load.before.after = load.after;
    if (load.after === undefined) this.#last = load.before;
    else load.after.before = load.before;
    load.list = undefined;
    load.before = undefined;
    load.after = undefined;
    this.#size -= 1;
  }

  /** The list must not be changed meanwhile. */
  *[Symbol.iterator](): Iterator<NodeLoad> {
    for (let load = this.#first; load !== undefined; load = load.after) yield load;
  }

  /** The first that suits. */
  find(suits: (load: NodeLoad) => boolean): NodeLoad | undefined {
    for (let load = this.#first; load !== undefined; load = load.after)
      if (suits(load)) return load;
    return undefined;
  }
}
