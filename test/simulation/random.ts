/**
 * Chance for a whole world from one seed, split by name: each part draws from a stream of its own, so
 * that a new draw in one does not shift the others.
 */
export class RandomStream {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** [0, 1), 32 bits of it: a counter stirred by two multiplications. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 0x1_0000_0000;
  }

  /** Lower-case hex of so many random bytes. */
  hex(bytes: number): string {
    let text = '';
    for (let i = 0; i < bytes; i += 1) text += this.int(0, 255).toString(16).padStart(2, '0');
    return text;
  }

  /** A whole number, both ends included. */
  int(minimum: number, maximum: number): number {
    return minimum + Math.floor(this.next() * (maximum - minimum + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<const T>(list: readonly [T, ...T[]]): T;
  pick<T>(list: readonly T[]): T | undefined;
  pick<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.next() * list.length)];
  }
}

/** FNV-1a over the text's code units. */
export function hashText(text: string, start = 0x811c9dc5): number {
  let hash = start;
  for (let i = 0; i < text.length; i += 1)
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}

/** The stream of a seed with this name; ask once and keep it. */
export const randomStream = (seed: number, name: string) =>
  new RandomStream(hashText(`${name}:${seed}`));
