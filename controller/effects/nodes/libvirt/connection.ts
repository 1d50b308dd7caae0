import type { Domain, Hypervisor } from '@unraid/libvirt';
import { NodeProvisionError } from '../provider.js';
import { Virsh, VirshError, batchUri } from './virsh.js';

/** A domain as it was listed: all that a decision needs of it. */
export interface ListedDomain {
  name: string;
  xml: string;
  /** Neither by us nor by the guest: by a person, or by QEMU, which can't write its disk. */
  paused: boolean;
}

const OPEN_TIMEOUT_MS = 30_000;
/** An ssh over a slow line takes some seconds. */
const TRY_TIMEOUT_MS = 20_000;
/** libvirt's error codes: no connection, invalid connection, rpc. */
const DEAD_CODES = new Set([5, 6, 39]);
const DEAD_TEXT =
  /socket is closed|end of file while reading|cannot (recv|send|read|write) data|connection (reset|refused)|broken pipe|keepalive|failed to connect/i;
const RUNNING = 1;
const PAUSED = 3;
const NO_DOMAIN_CODE = 42;
const NO_DOMAIN_TEXT = /domain not found|no domain with matching/i;

/**
 * One connection to one libvirt, opened when it is first needed. After libvirtd has been restarted every
 * call on the old connection fails for ever, so an error of that kind drops it and the call is made once
 * more on a new one. Callers therefore see each verb at least once carried out, never half a connection.
 */
export class LibvirtConnection {
  private opened: Promise<Hypervisor> | undefined;

  constructor(readonly uri: string) {}

  /** Active domains whose name starts with the text, with their XML. One that ends meanwhile is left out. */
  async list(namePrefix: string): Promise<ListedDomain[]> {
    return this.call(async (hypervisor) => {
      const listed: ListedDomain[] = [];
      for (const domain of await hypervisor.connectListAllDomains()) {
        const seen = await present(async () => {
          const name = await domain.getName();
          if (!name.startsWith(namePrefix)) return undefined;
          const { state } = await domain.getInfo();
          return { name, xml: await domain.getXMLDesc(), paused: state === PAUSED };
        });
        if (seen !== undefined) listed.push(seen);
      }
      return listed;
    });
  }

  /** Cores and memory of the host. */
  async capacity(): Promise<{ vcpus: number; memoryMiB: number }> {
    return this.call(async (hypervisor) => {
      const { cpus, memory } = await hypervisor.nodeGetInfo();
      return { vcpus: cpus, memoryMiB: Math.floor(memory / 1024) };
    });
  }

  /** The XML of one domain; undefined: there is none. */
  async find(name: string): Promise<string | undefined> {
    return this.call((hypervisor) =>
      present(async () => (await hypervisor.domainLookupByName(name)).getXMLDesc()),
    );
  }

  /** Whether a domain is there and neither paused nor ended. */
  async isRunning(name: string): Promise<boolean> {
    const info = await this.call((hypervisor) =>
      present(async () => (await hypervisor.domainLookupByName(name)).getInfo()),
    );
    return info?.state === RUNNING;
  }

  /** Starts a transient domain: nothing of it is left when it ends. */
  async create(name: string, xml: string): Promise<void> {
    let tries = 0;
    await this.call(async (hypervisor) => {
      tries += 1;
      // The answer to the first try may have been lost with the connection.
      if (tries > 1 && (await present(() => hypervisor.domainLookupByName(name))) !== undefined)
        return;
      await hypervisor.domainCreateXML(xml);
    });
  }

  /** Ends a domain and writes its memory into a file. */
  async save(name: string, file: string): Promise<void> {
    await this.call(async (hypervisor) => {
      const domain = await hypervisor.domainLookupByName(name);
      await domain.save(file);
    });
  }

  /** Starts the domain that a save file names, where it stood. */
  async restore(name: string, file: string): Promise<void> {
    let tries = 0;
    await this.call(async (hypervisor) => {
      tries += 1;
      if (tries > 1 && (await present(() => hypervisor.domainLookupByName(name))) !== undefined)
        return;
      await hypervisor.domainRestore(file);
    });
  }

  /** Ends a domain; none there is fine. */
  async destroy(name: string): Promise<void> {
    await this.call((hypervisor) =>
      present(async () => {
        const domain: Domain = await hypervisor.domainLookupByName(name);
        await domain.destroy();
      }),
    );
  }

  async close(): Promise<void> {
    const opened = this.opened;
    this.opened = undefined;
    if (opened === undefined) return;
    try {
      await (await opened).connectClose();
    } catch (error) {
      // Closing a dead connection says that it is dead.
      if (!isDead(error)) throw error;
    }
  }

  private async call<T>(verb: (hypervisor: Hypervisor) => Promise<T>): Promise<T> {
    try {
      return await verb(await this.open());
    } catch (error) {
      if (!isDead(error)) throw error;
      await this.close();
      return await verb(await this.open());
    }
  }

  private async open(): Promise<Hypervisor> {
    this.opened ??= this.connect();
    try {
      return await this.opened;
    } catch (error) {
      this.opened = undefined;
      throw error;
    }
  }

  private async connect(): Promise<Hypervisor> {
    const { Hypervisor } = await loadBinding();
    const hypervisor = new Hypervisor({ uri: batchUri(this.uri) });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`no answer within ${String(OPEN_TIMEOUT_MS / 1000)} s`));
      }, OPEN_TIMEOUT_MS);
    });
    try {
      if (!isLocal(this.uri)) await this.tryApart();
      await Promise.race([hypervisor.connectOpen(), late]);
    } catch (error) {
      throw new NodeProvisionError(
        'AllocationFailed',
        `libvirt at ${this.uri} does not answer (${messageOf(error)}): ${adviceFor(this.uri)}`,
        { cause: error },
      );
    } finally {
      clearTimeout(timer);
    }
    return hypervisor;
  }

  /**
   * By a process of its own, which can be ended: a machine that swallows what is sent to it would hold one of
   * Node's few threads for minutes, and with it the files and connections of everybody else.
   */
  private async tryApart(): Promise<void> {
    try {
      await new Virsh(batchUri(this.uri), TRY_TIMEOUT_MS).run([['uri']]);
    } catch (error) {
      if (!(error instanceof VirshError && error.isMissing)) throw error;
    }
  }
}

/** Whether a hypervisor is this machine by its URI: it then sees our files. */
export const isLocal = (uri: string) => /^[\w+]+:\/\/\//.test(uri);

function adviceFor(uri: string): string {
  if (isLocal(uri))
    return 'is libvirtd running, and may this user open its socket? `batchyard doctor` looks';
  const there = 'is the machine on, and is libvirtd running there';
  if (/^\w+\+(lib)?ssh2?:/.test(uri))
    return `${there}; is the key of this user let in, and the host's key known, so that \`virsh -c '${uri}' uri\` asks nothing (docs/libvirt.md)?`;
  if (/^\w+\+tls:/.test(uri) || /^\w+:\/\//.test(uri))
    return `${there} and listening for TLS; do the certificates of both sides fit (docs/libvirt.md)?`;
  return `${there} and listening?`;
}

async function loadBinding(): Promise<{ Hypervisor: typeof Hypervisor }> {
  try {
    return await import('@unraid/libvirt');
  } catch (error) {
    throw new NodeProvisionError(
      'AllocationFailed',
      "libvirt nodes need the optional package @unraid/libvirt, which isn't there or can't be loaded: " +
        '`apt-get install -y libvirt-dev build-essential pkg-config python3`, then `npm install @unraid/libvirt`',
      { cause: error },
    );
  }
}

/** The look's result, or undefined where the domain is gone. */
async function present<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (codeOf(error) === NO_DOMAIN_CODE || NO_DOMAIN_TEXT.test(messageOf(error))) return undefined;
    throw error;
  }
}

const isDead = (error: unknown) =>
  !(error instanceof NodeProvisionError) &&
  (DEAD_CODES.has(codeOf(error)) || DEAD_TEXT.test(messageOf(error)));

const codeOf = (error: unknown) =>
  typeof error === 'object' && error !== null && 'code' in error ? Number(error.code) : -1;

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
