import { Command, Option } from 'commander';
import { ConfigurationError } from '../controller/config/failure.js';
import { KEY_FORMS, flagOf, variableOf } from '../controller/config/keys.js';
import { loadConfiguration } from '../controller/config/load.js';
import type { FlagValues } from '../controller/config/load.js';

const EXAMPLES = `
Examples:
  batchyard controller --data ./batchyard-data
  batchyard controller --data ./batchyard-data --listen 127.0.0.1:0 --account demo=BASE64KEY
  batchyard controller --config batchyard.yaml

Every setting is a flag, an environment variable and a key of the configuration file; the first of
these that has it wins. When it is ready the controller prints one line of JSON on standard output;
logs go to standard error. SIGTERM stops it; nodes and their tasks go on.`;

/** `batchyard controller`: one option for each key of the configuration. */
export function controllerCommand(): Command {
  const command = new Command('controller')
    .description('run the service: API, scheduler, store and nodes in one process')
    .helpOption('--help', 'print this help')
    .allowExcessArguments(false)
    .addOption(new Option('--config <FILE>', 'YAML or JSON file with the rest (BATCHYARD_CONFIG)'))
    .addHelpText('after', EXAMPLES);
  for (const form of KEY_FORMS) {
    const option = new Option(
      `${flagOf(form)} <${form.placeholder}>`,
      `${form.description} (${variableOf(form)})`,
    );
    if (form.form === 'list') {
      option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
    }
    command.addOption(option);
  }
  return command.action(async (_options: unknown, invoked: Command) => {
    await run(flagValues(invoked));
  });
}

/** Commander names options after their flags (`account`); the configuration after its keys (`accounts`). */
function flagValues(command: Command): FlagValues {
  const options = command.opts<Record<string, string | string[] | undefined>>();
  const values: FlagValues = {};
  if (options['config'] !== undefined) values['config'] = options['config'];
  for (const form of KEY_FORMS) {
    const value = options[form.flag ?? form.key];
    if (value !== undefined) values[form.key] = value;
  }
  return values;
}

async function run(flags: FlagValues): Promise<void> {
  try {
    const configuration = loadConfiguration(flags, process.env);
    const { runController } = await import('../controller/main.js');
    process.exitCode = await runController(configuration);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    process.stderr.write(`batchyard: ${error.message}\n`);
    // What was begun (a bound socket) ends with the process.
    process.exit(2);
  }
}
