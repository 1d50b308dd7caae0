/** A binary heap: `first` is an item that no other comes before. Push and pop cost the logarithm of its length. */
export class Heap<T> {
  readonly #items: T[] = [];

  constructor(private readonly before: (a: T, b: T) => boolean) {}

  get length(): number {
    return this.#items.length;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  /** All of them, the first one first, the others in no order. */
  get items(): readonly T[] {
    return this.#items;
  }

  push(item: T): void {
    const items = this.#items;
    let i = items.length;
    items.push(item);
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = items[up];
      if (parent === undefined || !this.before(item, parent)) break;
      items[i] = parent;
      i = up;
    }
    items[i] = item;
  }

  /** Takes out the first item. */
  pop(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let i = 0;
    for (;;) {
      let down = 2 * i + 1;
      let child = items[down];
      if (child === undefined) break;
      const right = items[down + 1];
      if (right !== undefined && this.before(right, child)) {
        child = right;
        down += 1;
      }
      if (!this.before(child, last)) break;
      items[i] = child;
      i = down;
    }
    items[i] = last;
    return top;
  }
}
