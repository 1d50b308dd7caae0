import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DemoFailure, type Log } from './log.js';
import { say } from './screen.js';

/** The real Pulumi CLI on the repository's root Pulumi.yaml, with a file backend of the demo's own. */
export class PulumiStack {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #configFile: string;
  /** Of this run alone, so that no stack of the user's is touched. */
  readonly #stack: string;

  constructor(
    binaries: string,
    directory: string,
    private readonly log: Log,
    connection: { url: string; adminToken: string },
  ) {
    const state = join(directory, 'pulumi');
    mkdirSync(join(state, 'home'), { recursive: true });
    this.#stack = basename(directory).replace('batchyard-', '');
    this.#configFile = join(state, `Pulumi.${this.#stack}.yaml`);
    this.#environment = {
      ...process.env,
      PATH: `${binaries}:${process.env.PATH ?? ''}`,
      PULUMI_HOME: join(state, 'home'),
      PULUMI_BACKEND_URL: `file://${state}`,
      PULUMI_CONFIG_PASSPHRASE: connection.adminToken,
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      PULUMI_AUTOMATION_API: '',
      BATCHYARD_ENDPOINT: connection.url,
      BATCHYARD_ADMIN_TOKEN: connection.adminToken,
    };
  }

  async create(config: Record<string, string>): Promise<void> {
    await this.#run('a new stack', ['stack', 'init', this.#stack]);
    // `stack init` takes no --config-file: what it writes beside Pulumi.yaml is not needed there.
    rmSync(`Pulumi.${this.#stack}.yaml`, { force: true });
    for (const [name, value] of Object.entries(config)) await this.set(name, value);
  }

  async set(name: string, value: string): Promise<void> {
    await this.#run(`config ${name}`, [
      'config',
      'set',
      name,
      value,
      '--stack',
      this.#stack,
      '--config-file',
      this.#configFile,
    ]);
  }

  async up(...flags: string[]): Promise<string> {
    return this.#run('pulumi up', [
      'up',
      '--yes',
      '--skip-preview',
      '--stack',
      this.#stack,
      '--config-file',
      this.#configFile,
      '--color',
      'never',
      ...flags,
    ]);
  }

  async destroy(): Promise<string> {
    return this.#run('pulumi destroy', [
      'destroy',
      '--yes',
      '--skip-preview',
      '--stack',
      this.#stack,
      '--config-file',
      this.#configFile,
      '--color',
      'never',
    ]);
  }

  async outputs(): Promise<Record<string, unknown>> {
    const text = await this.#run(
      'stack outputs',
      ['stack', 'output', '--json', '--show-secrets', '--stack', this.#stack],
      { quiet: true },
    );
    return JSON.parse(text) as Record<string, unknown>;
  }

  /** Resolves with what it printed; a command that ends badly is a failure that quotes its first error line. */
  async #run(what: string, args: string[], { quiet = false } = {}): Promise<string> {
    const child = spawn('pulumi', [...args, '--non-interactive'], {
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (quiet) return;
      this.log.write('pulumi', text);
      for (const line of text.split('\n'))
        if (/^ [+~-].*(created|updated|deleted|replaced)/.test(line))
          say(line.trim().replace(/ {2,}/g, '  '));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
      this.log.write('pulumi', text);
    });
    const [code] = (await once(child, 'close')) as [number | null];
    if (code === 0) return output;
    const reason = `${errors}\n${output}`
      .split('\n')
      .find((line) => /error|failed/i.test(line))
      ?.trim();
    throw new DemoFailure(
      `${what} ended with exit code ${String(code)}${reason ? `: ${reason}` : ''}`,
    );
  }
}
