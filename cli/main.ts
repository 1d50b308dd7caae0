import { Command, CommanderError } from 'commander';
import { controllerCommand } from './controller.js';
import { hypervisorCommand } from './hypervisor.js';
import { VERSION } from './version.js';

/** Exit code for what the user can put right: a wrong flag, a broken file, a port in use. */
export const EXIT_USAGE = 2;

async function main(): Promise<void> {
  const program = new Command('batchyard')
    .description(
      'The Azure Batch service for your own machines: the same REST API over your own nodes.',
    )
    .version(VERSION, '--version', 'print the version')
    .helpOption('--help', 'print this help')
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => {
        write(oneLine(text));
      },
    });
  program.addCommand(controllerCommand());
  program.addCommand(hypervisorCommand());
  program
    .command('doctor')
    .description('check this machine: libvirt, KVM, Docker, Pulumi, ports')
    .option('--json', 'print the findings as JSON')
    .option('--uri <uri>', 'libvirt connection to look at')
    .option(
      '--no-probe',
      'do not boot a tiny guest to find out whether KVM really works (takes up to 10 s)',
    )
    .helpOption('--help', 'print this help')
    .action(async (options: Record<string, unknown>) => {
      const { doctor } = await import('./doctor.js');
      process.exitCode = await doctor(options);
    });
  for (const command of program.commands) {
    command.exitOverride().copyInheritedSettings(program);
    for (const one of command.commands) one.exitOverride().copyInheritedSettings(program);
  }
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  }
}

const oneLine = (text: string) =>
  `batchyard: ${text
    .trim()
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')}\n`;

main().catch((error: unknown) => {
  // Not the user's fault: whoever reports it needs the stack.
  process.stderr.write(
    `batchyard: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
});
