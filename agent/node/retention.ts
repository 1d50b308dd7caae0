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

  /** A directory of a task, or of a job with all its tasks, is removed: which of those that are kept. */
  takeRemoved(directory: string): string[] {
    const removed = this.#until.has(directory)
      ? [directory]
      : [...this.#until.keys()].filter((kept) => kept.startsWith(`${directory}/`));
    for (const kept of removed) this.#until.delete(kept);
    return removed;
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
