import type { HypervisorReport, ProvidedNode } from '../provider.js';

/** A hypervisor that takes longer is told as away; it is listened to for as long as it needs. */
const LATE_MS = 10_000;

export interface Look {
  nodes: ProvidedNode[];
  report: HypervisorReport;
}

/** What can be looked at: a LibvirtHost. */
export interface Watched {
  readonly settings: { name: string };
  list(): Promise<ProvidedNode[]>;
  capacity(): Promise<NonNullable<HypervisorReport['capacity']>>;
}

/**
 * Looks at one hypervisor, never twice at once. One that does not answer holds nobody up: while its answer
 * is late, everybody who asks is told so at once.
 */
export class Watch {
  private looking: Promise<Look> | undefined;
  private late = false;

  constructor(
    private readonly host: Watched,
    private readonly lateMs = LATE_MS,
  ) {}

  async look(): Promise<Look> {
    if (this.late) return this.away(this.lateWords());
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Look>((resolve) => {
      timer = setTimeout(() => {
        this.late = true;
        resolve(this.away(this.lateWords()));
      }, this.lateMs);
    });
    try {
      return await Promise.race([this.next(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A look that began before the question may miss what was made since: all who ask meanwhile share the next. */
  private async next(): Promise<Look> {
    await this.looking;
    this.looking ??= this.lookNow().finally(() => {
      this.looking = undefined;
      this.late = false;
    });
    return this.looking;
  }

  private async lookNow(): Promise<Look> {
    const { name } = this.host.settings;
    try {
      const capacity = await this.host.capacity();
      const nodes = (await this.host.list()).map((node) => ({ ...node, hypervisor: name }));
      return { nodes, report: { name, reachable: true, capacity } };
    } catch (error) {
      return this.away(error instanceof Error ? error.message : String(error));
    }
  }

  private lateWords(): string {
    return `no answer within ${String(this.lateMs / 1000)} s; is the machine on, and libvirtd well?`;
  }

  private away(reason: string): Look {
    return { nodes: [], report: { name: this.host.settings.name, reachable: false, reason } };
  }
}
