import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerPool, ContainerRegistry } from '../../../protocol/agent/assignment.js';
import { AGENT_DIRECTORY } from '../../node/directories.js';
import { StepFailure, Stopped } from '../failure.js';
import type { ContainerEngine } from './engine.js';
import { pullFailure } from './engine-failure.js';

/** A pull of many gigabytes over a slow line. */
const PULL_TIMEOUT_MS = 3_600_000;
const PULLS_AT_ONCE = 4;
/** Of directories that hold a registry's password while something is pulled. */
const LOGIN_PREFIX = 'login-';
/** Where a reference without a registry leads: Docker's name for it, and Podman's. */
const DEFAULT_REGISTRIES = ['https://index.docker.io/v1/', 'docker.io'];
/** In front of a registry's name: it has no TLS, and whoever named it so knows. */
const PLAIN = /^http:\/\//i;

const nameOf = (registryServer: string) =>
  PLAIN.test(registryServer)
    ? registryServer.replace(PLAIN, '').replace(/\/+$/, '')
    : registryServer;

/** Docker has this of its daemon's settings alone, and takes registries on loopback as they are. */
const withoutTls = (image: string, registries: readonly ContainerRegistry[]) =>
  registries.some(
    ({ registryServer = '' }) =>
      PLAIN.test(registryServer) && image.startsWith(`${nameOf(registryServer)}/`),
  );

/** What Docker means by a name that doesn't begin with a registry's: Podman asks its settings, which may know none. */
function fullName(image: string): string {
  const [first = '', ...more] = image.split('/');
  if (more.length === 0) return `docker.io/library/${image}`;
  return /[.:]|^localhost$/.test(first) ? image : `docker.io/${image}`;
}

/** Images of one node: what is there already is not asked for again. */
export class ContainerImages {
  #under = new Map<string, Promise<void>>();

  constructor(
    private readonly engine: ContainerEngine,
    private readonly rootDirectory: string,
  ) {}

  /** Pulls the images of a pool, some at a time. @throws StepFailure of the first that can't be had */
  async prefetch({ images, registries }: ContainerPool): Promise<void> {
    const waiting = [...new Set(images)];
    const pull = async () => {
      for (let image = waiting.shift(); image !== undefined; image = waiting.shift())
        await this.ensure(image, registries);
    };
    await Promise.all(Array.from({ length: PULLS_AT_ONCE }, pull));
  }

  /**
   * Pulls an image unless it is there; for several tasks at once only once, unless one of them brings a
   * login of its own. @throws StepFailure @throws Stopped
   */
  async ensure(
    image: string,
    registries: readonly ContainerRegistry[],
    signal?: AbortSignal,
  ): Promise<void> {
    const known = await this.engine.call(['image', 'inspect', '--format', '{{.Id}}', image]);
    if (known.exitCode === 0) return;
    const id = JSON.stringify([image, registries]);
    const running = this.#under.get(id);
    if (running !== undefined) return running;
    const pull = this.#pull(image, registries, signal).finally(() => this.#under.delete(id));
    // Whoever stops must not stop the others.
    if (signal === undefined) this.#under.set(id, pull);
    return pull;
  }

  async #pull(
    image: string,
    registries: readonly ContainerRegistry[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const login = this.#logIn(registries);
    try {
      const open = this.engine.isPodman && withoutTls(image, registries);
      const name = this.engine.isPodman ? fullName(image) : image;
      const words = ['pull', '--quiet', ...(open ? ['--tls-verify=false'] : []), name];
      const end = await this.engine.call(words, {
        timeoutMs: PULL_TIMEOUT_MS,
        ...(signal === undefined ? {} : { signal }),
        ...(login === undefined
          ? {}
          : {
              environment: { DOCKER_CONFIG: login, REGISTRY_AUTH_FILE: join(login, 'config.json') },
            }),
      });
      if (signal?.aborted === true) throw new Stopped();
      if (end.exitCode !== 0) throw pullFailure(image, end.stderr);
    } finally {
      if (login !== undefined) rmSync(login, { recursive: true, force: true });
    }
  }

  /** A directory of the agent's alone with what opens the registries; undefined where all are open. */
  #logIn(registries: readonly ContainerRegistry[]): string | undefined {
    const auths: Record<string, { auth: string }> = {};
    for (const { registryServer, username, password, isAzureIdentity } of registries) {
      if (isAzureIdentity === true)
        throw new StepFailure(
          'ContainerInvalidRegistry',
          'usererror',
          `The registry ${registryServer ?? 'docker.io'} has an identityReference, which exists in Azure alone: give username and password.`,
        );
      if (username === undefined || password === undefined) continue;
      const auth = Buffer.from(`${username}:${password}`).toString('base64');
      const isDefault = registryServer === undefined || registryServer === 'docker.io';
      for (const name of isDefault ? DEFAULT_REGISTRIES : [nameOf(registryServer)])
        auths[name] = { auth };
    }
    if (Object.keys(auths).length === 0) return undefined;
    const directory = mkdtempSync(join(this.rootDirectory, AGENT_DIRECTORY, LOGIN_PREFIX));
    writeFileSync(join(directory, 'config.json'), JSON.stringify({ auths }), { mode: 0o600 });
    return directory;
  }

  /** What an agent that died amid a pull has left. */
  forgetLogins(): void {
    const top = join(this.rootDirectory, AGENT_DIRECTORY);
    for (const name of readdirSync(top))
      if (name.startsWith(LOGIN_PREFIX)) rmSync(join(top, name), { recursive: true, force: true });
  }
}
