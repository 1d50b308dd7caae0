import type { JobWork } from './job-work.js';

interface Level {
  readonly priority: number;
  /** Jobs of this priority that have something to run, in turn. */
  ring: JobWork[];
}

/**
 * The jobs of one pool that have ready tasks: highest priority first, jobs of equal priority in turn
 * (one task each). A job joins when a task of it becomes ready and leaves when it has none.
 */
export class JobOrder {
  readonly #levels: Level[] = [];

  /** Idempotent. */
  join(work: JobWork): void {
    if (work.inOrder) return;
    work.inOrder = true;
    this.#level(work.job.specification.priority ?? 0).ring.push(work);
  }

  leave(work: JobWork): void {
    if (!work.inOrder) return;
    work.inOrder = false;
    for (const level of this.#levels) level.ring = level.ring.filter((one) => one !== work);
  }

  get isEmpty(): boolean {
    return this.#levels.every((level) => level.ring.length === 0);
  }

  /** Jobs that stand above a priority. */
  above(priority: number): JobWork[] {
    return this.#levels.filter((level) => level.priority > priority).flatMap(({ ring }) => ring);
  }

  /**
   * Offers jobs to `place` until it says that the pool is full. Placed: the job goes to the end of its
   * ring; later: it keeps its turn but is not asked again in this pass; nothing: it leaves.
   */
  pass(place: (work: JobWork) => 'placed' | 'later' | 'nothing' | 'full'): void {
    for (const level of this.#levels) {
      let queue = level.ring;
      let next: JobWork[] = [];
      const later: JobWork[] = [];
      let full = false;
      let at = 0;
      while (!full) {
        if (at === queue.length) {
          if (next.length === 0) break;
          queue = next;
          next = [];
          at = 0;
        }
        const work = queue[at];
        if (work === undefined) break;
        const answer = place(work);
        if (answer === 'full') full = true;
        else {
          at += 1;
          if (answer === 'placed') next.push(work);
          else if (answer === 'later') later.push(work);
          else work.inOrder = false;
        }
      }
      level.ring = [...later, ...queue.slice(at), ...next];
      if (full) return;
    }
  }

  #level(priority: number): Level {
    const found = this.#levels.find((level) => level.priority === priority);
    if (found !== undefined) return found;
    const level: Level = { priority, ring: [] };
    this.#levels.push(level);
    this.#levels.sort((a, b) => b.priority - a.priority);
    return level;
  }
}
