import { setTimeout as wait } from 'node:timers/promises';
import { connect, type Client } from './batch.js';
import { startController, type RunningController } from './controller.js';
import { libvirtConfig } from './libvirt.js';
import { DemoFailure, Log, mustHold } from './log.js';
import { readOptions, type DemoOptions } from './options.js';
import { obtainPulumi } from '../scripts/pulumi-cli.mjs';
import { PulumiStack } from './pulumi.js';
import { say, tick } from './screen.js';
import { scaleDown } from './scale-down.js';
import { checkSecret, showReport, watchJob, watchSchedule, type Deployment } from './work.js';

/** The story of the README, one line a chapter. Anything that does not really happen throws. */
async function story(
  options: DemoOptions,
  controller: RunningController,
  stack: PulumiStack,
): Promise<void> {
  const patience = options.nodes === 'libvirt' ? 400 : 90;
  say('pulumi up: account, certificate, files, pool of 2 nodes, job schedule, job');
  await stack.create({ folder: options.folder, nodes: '2', nodeKind: options.nodes });
  await stack.up();
  const deployment = (await stack.outputs()) as unknown as Deployment;
  const client = connect(controller.url, deployment.accountName, deployment.accountKey);
  tick('pulumi up deployed everything');

  await watchJob(client, deployment, patience);
  await showReport(controller, deployment);
  await checkSecret(client, deployment);
  await watchSchedule(client, deployment);
  await scaleDown(client, stack, deployment, patience);

  await stack.up('--expect-no-changes');
  tick('a second pulumi up reports no change');
  if (options.keep) return lookAround(options, controller, deployment);

  say('pulumi destroy');
  await stack.destroy();
  await checkGone(client, deployment);
  tick('pulumi destroy removed everything');
}

/** The account goes last, so its key must be refused, and no node may be left. */
async function checkGone(client: Client, { poolId }: Deployment): Promise<void> {
  const refusal = await client.pool.get(poolId).then(
    () => undefined,
    (error: { statusCode?: number }) => error.statusCode,
  );
  mustHold(refusal === 403 || refusal === 404, `pool ${poolId} still answers after destroy`);
}

function lookAround(
  { directory }: DemoOptions,
  controller: RunningController,
  { accountName, jobId }: Deployment,
): void {
  console.log(`
Everything is still running (controller pid ${controller.pid}, data and Pulumi state in ${directory}).
  endpoint     ${controller.url}
  account      ${accountName}; its key: pulumi stack output accountKey --show-secrets
  admin token  ${directory}/data/admin-token
  tasks        GET ${controller.url}/jobs/${jobId}/tasks with any Azure Batch client
  to end it    kill ${controller.pid} stops the controller and leaves the nodes running;
               pulumi destroy, before that, removes them`);
}

async function main(): Promise<void> {
  const options = readOptions(process.argv);
  const log = new Log(`${options.directory}/demo.log`);
  let controller: RunningController | undefined;
  let stack: PulumiStack | undefined;
  try {
    const binaries = await obtainPulumi(say);
    const configFile = options.nodes === 'libvirt' ? await libvirtConfig(options, say) : undefined;
    controller = await startController(options, log, configFile);
    tick(`controller ready on ${controller.url}`);
    stack = new PulumiStack(binaries, options.directory, log, controller);
    await story(options, controller, stack);
    if (!options.keep) await controller.stop();
    tick(`done; log: ${log.path}`);
  } catch (error) {
    const told =
      error instanceof DemoFailure
        ? error.message
        : error instanceof Error
          ? (error.stack ?? error.message)
          : String(error);
    log.write('demo', told);
    console.error(
      `\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\nLog: ${log.path}`,
    );
    process.exitCode = 1;
    await cleanUp(controller, stack, log);
  }
}

/** After a failure: what was deployed goes as far as it can, so that no node process stays behind. */
async function cleanUp(
  controller: RunningController | undefined,
  stack: PulumiStack | undefined,
  log: Log,
): Promise<void> {
  const attempt = async (what: string, action: (() => Promise<unknown>) | undefined) => {
    try {
      await action?.();
    } catch (error) {
      log.write('clean-up', `${what}: ${String(error)}`);
    }
  };
  await attempt('pulumi destroy', stack && (() => Promise.race([stack.destroy(), wait(60_000)])));
  await attempt('controller', controller && (() => controller.stop()));
}

await main();
