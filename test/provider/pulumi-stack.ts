import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
let stacks = 0;

export interface Outcome {
  code: number | null;
  /** Standard output and error. */
  text: string;
}

interface Running {
  child: ChildProcess;
  done: Promise<Outcome>;
  /** Standard output and error so far. */
  said(): string;
}

/** A stack with the real CLI; state and configuration lie in a folder of the test's own. */
export class Stack {
  readonly name = `test-${process.pid}-${(stacks += 1)}`;
  private readonly configFile: string;
  private readonly environment: NodeJS.ProcessEnv;

  constructor(
    binaries: string,
    private readonly folder: string,
    environment: Record<string, string>,
    /** The folder of Pulumi.yaml; by default the repository's root project. */
    private readonly project = root,
  ) {
    mkdirSync(join(folder, 'state'), { recursive: true });
    this.configFile = join(folder, 'Pulumi.test.yaml');
    this.environment = {
      ...process.env,
      PATH: `${binaries}:${process.env.PATH ?? ''}`,
      PULUMI_HOME: join(folder, 'home'),
      PULUMI_BACKEND_URL: `file://${join(folder, 'state')}`,
      PULUMI_CONFIG_PASSPHRASE: 'of the test',
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      // Else each command tries to download the plugin of every Pulumi package in node_modules.
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
      ...environment,
    };
  }

  async init(): Promise<void> {
    await this.must(['stack', 'init', this.name]);
    // The CLI writes a stack's settings beside Pulumi.yaml; this one's belong to the test.
    renameSync(join(this.project, `Pulumi.${this.name}.yaml`), this.configFile);
  }

  set(key: string, value: string, ...flags: string[]): Promise<string> {
    const stack = ['--stack', this.name, '--config-file', this.configFile];
    return this.must(['config', 'set', key, ...stack, ...flags, '--', value]);
  }

  unset(key: string): Promise<string> {
    return this.must(['config', 'rm', key, '--stack', this.name, '--config-file', this.configFile]);
  }

  /** up, preview, refresh, destroy. */
  run(command: string, ...flags: string[]): Promise<Outcome> {
    const yes = command === 'preview' ? [] : ['--yes', '--skip-preview'];
    return this.call([
      command,
      ...yes,
      '--stack',
      this.name,
      '--config-file',
      this.configFile,
      '--color',
      'never',
      ...flags,
    ]);
  }

  async must(args: string[]): Promise<string> {
    const { code, text } = await this.call(args);
    if (code !== 0) throw new Error(`pulumi ${args[0] ?? ''} ended with ${String(code)}:\n${text}`);
    return text;
  }

  async outputs(): Promise<Record<string, unknown>> {
    return JSON.parse(
      await this.must(['stack', 'output', '--json', '--show-secrets', '--stack', this.name]),
    ) as Record<string, unknown>;
  }

  /** Every file of the backend: state, its copies and the history. */
  stateFiles(): { path: string; text: string }[] {
    const files = readdirSync(join(this.folder, 'state'), {
      recursive: true,
      withFileTypes: true,
    }).filter((entry) => entry.isFile());
    return files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return { path, text: readFileSync(path, 'utf8') };
    });
  }

  /** The command as a process of its own, to be interrupted; ends with `done`. */
  start(command: string, ...flags: string[]): Running {
    const stack = ['--stack', this.name, '--config-file', this.configFile, '--color', 'never'];
    return this.spawn([command, '--yes', '--skip-preview', ...stack, ...flags]);
  }

  private call(args: string[]): Promise<Outcome> {
    return this.spawn(args).done;
  }

  private spawn(args: string[]): Running {
    const child = spawn('pulumi', ['--non-interactive', ...args], {
      cwd: this.project,
      env: this.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
    child.stderr.setEncoding('utf8').on('data', (more: string) => (text += more));
    const done = once(child, 'close').then(([code]) => ({ code: code as number | null, text }));
    return { child, done, said: () => text };
  }
}

/** A project in a folder of its own, whose program is a text. It uses the built package, as users do. */
export function writeProject(folder: string, program: string): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'Pulumi.yaml'), 'name: try\nruntime: nodejs\n');
  writeFileSync(join(folder, 'package.json'), '{"name": "try", "main": "index.js"}');
  writeProgram(folder, program);
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** The text sees `batchyard` and `pulumi`; what it puts into `module.exports` are the stack's outputs. */
export const writeProgram = (folder: string, program: string): void =>
  writeFileSync(
    join(folder, 'index.js'),
    `const pulumi = require('@pulumi/pulumi');\nconst batchyard = require('@batchyard/pulumi');\n${program}\n`,
  );
