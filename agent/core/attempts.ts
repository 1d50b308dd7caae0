import type { Assignment } from '../../protocol/agent/assignment.js';
import type { AttemptRef } from '../../protocol/agent/message.js';
import { WAIT_FOR_SLOT_MAX_MS } from './limits.js';
import { attemptId } from './output.js';

/** Why a running try was told to die; decides what its end is called. */
export type KillReason = 'stopped' | 'wallClock';

export interface RunningAttempt {
  /** Replaced where it was `incomplete`. */
  assignment: Assignment;
  startedAt: number;
  startedEpoch: number;
  killed?: KillReason;
  /** Begun by an earlier process of this agent, which did not write down all that its end needs. */
  incomplete?: boolean;
}

interface WaitingAttempt {
  assignment: Assignment;
  receivedAt: number;
}

/** The tries of a node: those that wait for slots, first in first out, and those that hold slots. */
export class Attempts {
  #waiting = new Map<string, WaitingAttempt>();
  #running = new Map<string, RunningAttempt>();
  /** Task keys that hold a directory: two tries of one task never run at once. */
  #directories = new Set<string>();
  #freeSlots = 0;
  #slotFreedAt = 0;

  setSlots(slots: number): void {
    this.#freeSlots = slots;
    for (const { assignment } of this.#running.values())
      this.#freeSlots -= assignment.requiredSlots;
  }

  has(reference: AttemptRef): boolean {
    const id = attemptId(reference);
    return this.#waiting.has(id) || this.#running.has(id);
  }

  receive(assignment: Assignment, monotonic: number): void {
    this.#waiting.set(attemptId(assignment), { assignment, receivedAt: monotonic });
  }

  /** A try that an earlier process of this agent began. */
  restore(running: RunningAttempt): void {
    this.#running.set(attemptId(running.assignment), running);
    this.#directories.add(running.assignment.taskKey);
    this.#freeSlots -= running.assignment.requiredSlots;
  }

  /** Takes the next try that may start now, or nothing: a try that does not fit holds back those behind it. */
  startNext(monotonic: number, epoch: number): RunningAttempt | undefined {
    const next = this.#next();
    if (next === undefined) return undefined;
    const [id, { assignment }] = next;
    this.#waiting.delete(id);
    const running: RunningAttempt = { assignment, startedAt: monotonic, startedEpoch: epoch };
    this.#running.set(id, running);
    this.#directories.add(assignment.taskKey);
    this.#freeSlots -= assignment.requiredSlots;
    return running;
  }

  /** The first in line if there is room for it; else one that needs no slot. */
  #next(): [string, WaitingAttempt] | undefined {
    for (const [id, waiting] of this.#waiting) {
      const { requiredSlots, taskKey } = waiting.assignment;
      const isFirst = this.#waiting.keys().next().value === id;
      if (!isFirst && requiredSlots > 0) continue;
      if (requiredSlots <= this.#freeSlots && !this.#directories.has(taskKey)) return [id, waiting];
    }
    return undefined;
  }

  /** Frees the slots of a try that ended; undefined when it isn't running here. */
  end(reference: AttemptRef, monotonic: number): RunningAttempt | undefined {
    const id = attemptId(reference);
    const running = this.#running.get(id);
    if (running === undefined) return undefined;
    this.#running.delete(id);
    this.#directories.delete(running.assignment.taskKey);
    this.#freeSlots += running.assignment.requiredSlots;
    this.#slotFreedAt = monotonic;
    return running;
  }

  running(reference: AttemptRef): RunningAttempt | undefined {
    return this.#running.get(attemptId(reference));
  }

  allRunning(): IterableIterator<RunningAttempt> {
    return this.#running.values();
  }

  /** Removes a waiting try; false when it doesn't wait here. */
  withdraw(reference: AttemptRef): boolean {
    return this.#waiting.delete(attemptId(reference));
  }

  /** Removes and returns every waiting try. */
  withdrawAll(): Assignment[] {
    const assignments = [...this.#waiting.values()].map((waiting) => waiting.assignment);
    this.#waiting.clear();
    return assignments;
  }

  /** Tries of the same task with a lower attempt number: the controller has given them up. */
  older(assignment: Assignment): { waiting: Assignment[]; running: RunningAttempt[] } {
    const same = (other: Assignment) =>
      other.taskKey === assignment.taskKey && other.attempt < assignment.attempt;
    return {
      waiting: [...this.#waiting.values()].map((entry) => entry.assignment).filter(same),
      running: [...this.#running.values()].filter((entry) => same(entry.assignment)),
    };
  }

  holdsTask(taskKey: string): boolean {
    if (this.#directories.has(taskKey)) return true;
    for (const { assignment } of this.#waiting.values())
      if (assignment.taskKey === taskKey) return true;
    return false;
  }

  /**
   * When the oldest waiting try goes back unstarted. A queue that moves keeps its tries: the wait
   * counts from the later of its arrival and the last time a slot came free.
   */
  returnAt(): number {
    const [first] = this.#waiting.values();
    if (first === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(first.receivedAt, this.#slotFreedAt) + WAIT_FOR_SLOT_MAX_MS;
  }

  /** Removes and returns the tries whose wait is over. */
  takeOverdue(monotonic: number): Assignment[] {
    if (this.returnAt() > monotonic) return [];
    const overdue: Assignment[] = [];
    for (const [id, waiting] of this.#waiting) {
      if (waiting.receivedAt + WAIT_FOR_SLOT_MAX_MS > monotonic) break;
      overdue.push(waiting.assignment);
      this.#waiting.delete(id);
    }
    return overdue;
  }

  /** References of all tries here, waiting or running. */
  references(): AttemptRef[] {
    const reference = ({ assignment }: { assignment: Assignment }) => ({
      taskKey: assignment.taskKey,
      attempt: assignment.attempt,
    });
    return [
      ...[...this.#running.values()].map(reference),
      ...[...this.#waiting.values()].map(reference),
    ];
  }
}

export const reference = ({ taskKey, attempt }: AttemptRef): AttemptRef => ({ taskKey, attempt });

/** When the wall-clock limit of a try ends; infinity once it is being killed. */
export function killTime(running: RunningAttempt): number {
  if (running.killed !== undefined) return Number.POSITIVE_INFINITY;
  return running.startedAt + (running.assignment.maxWallClockTimeMs ?? Number.POSITIVE_INFINITY);
}
