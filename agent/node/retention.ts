/** Directories of ended tries and when each may go: a coarse sweep instead of a timer a task. */
export class Retention {
  #until = new Map<string, number>();

  /** A newer try of the same task replaces what was said about its directory. */
  retain(directory: string, untilEpoch: number): void {
    this.#until.set(directory, untilEpoch);
  }

  /** The directory is in use again, or gone. */
  forget(directory: string): void {
    this.#until.delete(directory);
  }

  /** Directories that are kept. */
  get size(): number {
    return this.#until.size;
  }

  /** Takes the directories whose time is over. */
  takeExpired(epoch: number): string[] {
    const expired: string[] = [];
    for (const [directory, until] of this.#until) if (until <= epoch) expired.push(directory);
    for (const directory of expired) this.#until.delete(directory);
    return expired;
  }
}
