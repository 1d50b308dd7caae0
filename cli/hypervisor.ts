import { setTimeout as pause } from 'node:timers/promises';
import { Argument, Command } from 'commander';
import { CommandError, manage } from './connection.js';
import type { ConnectionOptions } from './connection.js';

const LOOK_MS = 1_000;

interface Amount {
  vcpus?: number;
  memoryMiB?: number;
  diskGiB?: number;
}

/** As the controller tells it (docs/extensions.md). */
interface Hypervisor {
  name: string;
  properties: {
    provider: string;
    state: string;
    reason?: string;
    capacity: Amount;
    used: Required<Amount>;
    currentDedicatedNodes: number;
    currentLowPriorityNodes: number;
    labels: Record<string, string>;
  };
}

const HEAD = ['name', 'state', 'nodes', 'vCPUs', 'MiB', 'GiB of disk', 'labels'];

/** `batchyard hypervisor`: looks at the hypervisors of a running controller, and drains them. */
export function hypervisorCommand(): Command {
  const command = new Command('hypervisor')
    .description('look at the hypervisors of a running controller, and drain them')
    .helpOption('--help', 'print this help')
    .addHelpText('after', EXAMPLES);
  withConnection(command.command('list'))
    .description('capacity, use, labels, state and number of nodes of each')
    .option('--json', 'print what the controller tells as JSON')
    .action((options: ConnectionOptions & { json?: boolean }) => told(() => list(options)));
  withConnection(command.command('maintenance'))
    .description('on: its nodes leave when their tasks have ended, and it takes no new ones')
    .argument('<name>', 'of the hypervisor, as it is configured')
    .addArgument(
      new Argument('<switch>', 'lasts over restarts of the controller').choices(['on', 'off']),
    )
    .option('--wait', 'until it has no nodes any more')
    .action((name: string, wanted: string, options: ConnectionOptions & { wait?: boolean }) =>
      told(() => maintenance(name, wanted === 'on', options)),
    );
  return command;
}

const EXAMPLES = `
Examples:
  batchyard hypervisor list
  batchyard hypervisor maintenance rack-3 on --wait
  batchyard hypervisor maintenance rack-3 off`;

const withConnection = (command: Command) =>
  command
    .helpOption('--help', 'print this help')
    .option('--endpoint <URL>', 'of the controller (BATCHYARD_ENDPOINT; http://127.0.0.1:8480)');

/** What the user can put right is one line. */
async function told(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    process.stderr.write(`batchyard: ${error.message}\n`);
    process.exitCode = 1;
  }
}

async function list(options: ConnectionOptions & { json?: boolean }): Promise<void> {
  const { value } = (await manage(options, 'GET', '/hypervisors')) as { value: Hypervisor[] };
  if (options.json === true) process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  else process.stdout.write(table([HEAD, ...value.map(row)]));
  for (const { name, properties } of value)
    if (options.json !== true && properties.reason !== undefined)
      process.stdout.write(`${name}: ${properties.reason}\n`);
}

async function maintenance(
  name: string,
  wanted: boolean,
  options: ConnectionOptions & { wait?: boolean },
): Promise<void> {
  const path = `/hypervisors/${encodeURIComponent(name)}`;
  const body = { properties: { maintenance: wanted } };
  let seen = (await manage(options, 'PATCH', path, body)) as Hypervisor;
  while (wanted && options.wait === true && nodesOf(seen) > 0) {
    await pause(LOOK_MS);
    seen = (await manage(options, 'GET', path)) as Hypervisor;
  }
  process.stdout.write(table([HEAD, row(seen)]));
}

const nodesOf = ({ properties }: Hypervisor) =>
  properties.currentDedicatedNodes + properties.currentLowPriorityNodes;

function row(hypervisor: Hypervisor): string[] {
  const { state, capacity, used, labels } = hypervisor.properties;
  const part = (of: keyof Amount) => `${String(used[of])}/${String(capacity[of] ?? 'any')}`;
  return [
    hypervisor.name,
    state,
    String(nodesOf(hypervisor)),
    part('vcpus'),
    part('memoryMiB'),
    part('diskGiB'),
    Object.entries(labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
  ];
}

/** Columns as wide as their widest text. */
function table(rows: readonly string[][]): string {
  const widths = HEAD.map((_, at) => Math.max(...rows.map((one) => (one[at] ?? '').length)));
  return rows
    .map(
      (one) =>
        `${one
          .map((text, at) => text.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
