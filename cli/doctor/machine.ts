/** What every use of Batchyard touches: Node, ports, Docker, Pulumi. */
import { createServer } from 'node:net';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ask, fail, messageOf, ok, warn } from './check.js';
import type { Finding } from './check.js';

const OLDEST_NODE = [20, 19] as const;
const DEFAULT_PORT = 8480;

export function node(): Finding {
  const version = process.versions.node;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const enough = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  return enough
    ? ok('Node', version)
    : fail('Node', version, `install Node ${OLDEST_NODE.join('.')} or newer`);
}

export async function ports(): Promise<Finding[]> {
  const any = await bind(0);
  if (any !== undefined) {
    return [
      fail(
        'loopback ports',
        any,
        'let programs listen on 127.0.0.1 (network namespace, sandbox or limits)',
      ),
    ];
  }
  const usual = await bind(DEFAULT_PORT);
  const name = `port ${String(DEFAULT_PORT)}`;
  return [
    ok('loopback ports', 'a free port of 127.0.0.1 can be had'),
    usual === undefined
      ? ok(name, 'free')
      : warn(
          name,
          usual,
          'another program (or a controller) has it: start with --listen 127.0.0.1:PORT',
        ),
  ];
}

/** Binds and lets go again; undefined: it worked. */
function bind(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => {
      resolve(messageOf(error));
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(undefined);
      });
    });
  });
}

export function docker(): Finding {
  const answer = ask('docker', 'version', '--format', '{{.Server.Version}}');
  const cure = 'only tasks in containers need it: apt-get install -y docker.io, and start dockerd';
  if (answer.state === 'missing') return warn('Docker', 'not installed', cure);
  return answer.state === 'ok' ? ok('Docker', answer.text) : warn('Docker', answer.text, cure);
}

export function pulumi(cacheDirectory: string): Finding {
  const answer = ask('pulumi', 'version');
  if (answer.state === 'ok') return ok('Pulumi CLI', answer.text);
  const cached = join(cacheDirectory, 'pulumi');
  if (existsSync(cached))
    return ok('Pulumi CLI', `not on PATH; \`npm run demo\` uses the one in ${cached}`);
  return warn(
    'Pulumi CLI',
    answer.state === 'missing' ? 'not on PATH' : answer.text,
    'install it (https://www.pulumi.com/docs/install), or let `node scripts/pulumi-cli.mjs` obtain one',
  );
}
