import type { Log } from '../log.js';
import { NodeProvisionError } from './provider.js';
import type { NodeProvider } from './provider.js';

type Kind = NodeProvider['kind'];

/** Providers by kind, each opened when a pool first needs it: libvirt is loaded by those who use it. */
export class Providers {
  private readonly opening = new Map<Kind, Promise<NodeProvider>>();
  private readonly opened: NodeProvider[] = [];

  constructor(private readonly openers: Partial<Record<Kind, () => Promise<NodeProvider>>>) {}

  /** Rejects with NodeProvisionError for a kind that this controller can't offer; the next call tries again. */
  get(kind: Kind): Promise<NodeProvider> {
    const known = this.opening.get(kind);
    if (known !== undefined) return known;
    const opening = this.start(kind);
    this.opening.set(kind, opening);
    opening.catch(() => this.opening.delete(kind));
    return opening;
  }

  /** Those that may hold nodes of an earlier run; one that can't be opened is tried again when a pool needs it. */
  async openAll(kinds: Iterable<Kind>, log: Log): Promise<void> {
    for (const kind of kinds) {
      await this.get(kind).catch((error: unknown) => {
        log.warn({ err: error, kind }, 'nodes of this kind are not available');
      });
    }
  }

  /** Those that are open, for looking for orphans. */
  open(): readonly NodeProvider[] {
    return this.opened;
  }

  async close(): Promise<void> {
    await Promise.all(this.opened.map((provider) => provider.close()));
  }

  private async start(kind: Kind): Promise<NodeProvider> {
    const open = this.openers[kind];
    if (open === undefined) {
      throw new NodeProvisionError('AllocationFailed', `this controller offers no ${kind} nodes`);
    }
    try {
      const provider = await open();
      this.opened.push(provider);
      return provider;
    } catch (error) {
      throw error instanceof NodeProvisionError
        ? error
        : new NodeProvisionError('AllocationFailed', `${kind} nodes are not available`, {
            cause: error,
          });
    }
  }
}
