import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { programs, requirement } from './requirements.js';
import { waitFor } from './wait-for.js';

const RELAY = join(import.meta.dirname, 'relay.mjs');

/** Networks of a test's own can be made: root, the right to make namespaces, and what libvirt makes networks with. */
export const namespaceRequirement = () =>
  requirement(
    'network namespaces',
    () => {
      const found = programs('ip', 'dnsmasq', 'iptables');
      if (found !== true) return found;
      NetworkNamespace.create().remove();
      return true;
    },
    'apt-get install -y --no-install-recommends iproute2 dnsmasq-base iptables; run the tests as root, in a container with CAP_SYS_ADMIN',
  );

/**
 * A network of the test's own: what runs in it sees a loopback interface and what it makes itself, and
 * touches no address of the machine.
 */
export class NetworkNamespace {
  private readonly relays: ChildProcess[] = [];

  private constructor(readonly name: string) {}

  static create(): NetworkNamespace {
    const name = `batchyard-test-${String(process.pid)}-${randomBytes(3).toString('hex')}`;
    execFileSync('ip', ['netns', 'add', name]);
    execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    return new NetworkNamespace(name);
  }

  /** In front of a command that is to run in it. */
  get before(): string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  /** The standard output of a program that runs in it. Throws with what it said if it fails. */
  run(command: string, ...args: string[]): string {
    const [program = '', ...before] = this.before;
    return execFileSync(program, [...before, command, ...args], {
      encoding: 'utf8',
      timeout: 120_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** A port of the machine's loopback interface that leads to one in the namespace: for clients of a test. */
  async relay(url: string): Promise<string> {
    const { hostname, port } = new URL(url);
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const own = (server.address() as AddressInfo).port;
    const [program = '', ...before] = this.before;
    const child = spawn(program, [...before, process.execPath, RELAY, hostname, port], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.relays.push(child);
    // A socket stays in the namespace where it was made, whoever has it.
    child.send('listen', server);
    await once(child, 'message');
    server.close();
    return `http://127.0.0.1:${String(own)}`;
  }

  /** Ends what still runs in it, and takes it away with its interfaces and rules. */
  async end(): Promise<void> {
    for (const child of this.relays) child.disconnect();
    await waitFor(`the processes of namespace ${this.name} to end`, () => {
      const left = this.processes();
      for (const pid of left)
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It has ended by itself.
        }
      return left.length === 0;
    });
    this.remove();
  }

  remove(): void {
    execFileSync('ip', ['netns', 'delete', this.name]);
  }

  private processes(): number[] {
    const told = execFileSync('ip', ['netns', 'pids', this.name], { encoding: 'utf8' });
    return told.split('\n').filter(Boolean).map(Number);
  }
}
