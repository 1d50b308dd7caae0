import type { Event } from '../../core/event.js';
import { NodeProvisionError } from './provider.js';
import type { HypervisorReport, NodeProvider } from './provider.js';

/** Remembers what providers say of their hypervisors, and reports what is new. */
export class HypervisorWatch {
  private readonly known = new Map<string, HypervisorReport>();
  /** Providers that have hypervisors at all. */
  private readonly kinds = new Set<NodeProvider['kind']>();

  constructor(private readonly ports: { report(event: Event): void }) {}

  take(kind: NodeProvider['kind'], reports: readonly HypervisorReport[]): void {
    for (const report of reports) {
      this.kinds.add(kind);
      const before = this.known.get(report.name);
      this.known.set(report.name, report);
      if (before !== undefined && isSame(before, report)) continue;
      const { name: hypervisor, ...found } = report;
      this.ports.report({ type: 'hypervisorSeen', hypervisor, ...found });
    }
  }

  /**
   * Why nothing can be said or done about nodes there now; undefined: it answers. A node without a place
   * may be on any: while one of its provider's is away, nobody knows.
   */
  whyAway(name: string | undefined, kind: NodeProvider['kind']): NodeProvisionError | undefined {
    const away =
      name === undefined && this.kinds.has(kind)
        ? [...this.known.values()].find(({ reachable }) => !reachable)
        : this.known.get(name ?? '');
    if (away === undefined || away.reachable) return undefined;
    return new NodeProvisionError(
      'AllocationFailed',
      `hypervisor ${away.name} does not answer: ${away.reason ?? ''}`,
    );
  }
}

const isSame = (a: HypervisorReport, b: HypervisorReport): boolean =>
  a.reachable === b.reachable &&
  a.capacity?.vcpus === b.capacity?.vcpus &&
  a.capacity?.memoryMiB === b.capacity?.memoryMiB &&
  a.capacity?.diskGiB === b.capacity?.diskGiB;
