import { rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { BackOff } from './link/back-off.js';
import { enrol, EnrolmentRefused } from './link/enrol.js';
import { ipAddress } from './node/description.js';
import { createNodeDirectories } from './node/directories.js';
import { applyFirewall } from './node/firewall.js';
import { takeHostName } from './node/host-name.js';
import { HttpClient } from './node/http.js';
import {
  identityOf,
  loadIdentity,
  readSeed,
  saveIdentity,
  type Identity,
} from './node/identity.js';
import { awaitSeed } from './node/resume.js';
import { Survivor } from './node/survivor.js';
import { chooseLauncher } from './task/choose-launcher.js';
import { Agent, AGENT_VERSION } from './wiring/agent.js';
import { keepLogBelow, log, textOf } from './wiring/log.js';

/** Neither 0 nor 1, which are the last word of an agent. */
const EXIT_CRASHED = 70;

/** A guest's agent may be there before its network: what the system says of a way that it does not know. */
const NO_NETWORK = new Set([
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'EAI_AGAIN',
]);
const NETWORK_LOOK_MS = 50;
/** From the agent's start; after that such an error is one like others. */
const NETWORK_WAIT_MS = 60_000;

/** Enrols until it works; throws EnrolmentRefused when it never will. */
async function enrolIdentity(identity: Identity, client: HttpClient): Promise<void> {
  if (identity.token === undefined) return;
  const { nodeKey, incarnation, token, secret } = identity;
  const request = { nodeKey, incarnation, token, secret, agentVersion: AGENT_VERSION };
  const backOff = new BackOff();
  for (;;) {
    try {
      await enrol(client.request, identity.controllerUrl, request);
      break;
    } catch (error) {
      if (error instanceof EnrolmentRefused) throw error;
      const { code = '' } = error as NodeJS.ErrnoException;
      if (NO_NETWORK.has(code) && performance.now() < NETWORK_WAIT_MS) {
        await pause(NETWORK_LOOK_MS);
        continue;
      }
      log(`enrolment: ${textOf(error)}; trying again`);
      await pause(backOff.next());
    }
  }
  delete identity.token;
  saveIdentity(identity);
}

async function findIdentity(flags: { seed?: string; root?: string }): Promise<{
  identity: Identity;
  seedPath?: string;
}> {
  const kept = flags.root === undefined ? undefined : loadIdentity(flags.root);
  if (kept !== undefined && kept.token === undefined) return { identity: kept };
  const { seed: read, path } = readSeed(flags.seed);
  const seed = 'template' in read ? await awaitSeed(read, log) : read;
  createNodeDirectories(seed.rootDirectory);
  return { identity: identityOf(seed), ...(flags.seed === undefined ? {} : { seedPath: path }) };
}

/** Once there is a network, and before anything runs that others could reach. */
function joinNetwork({ firewall, hostName }: Identity): void {
  const problem = firewall === undefined ? undefined : applyFirewall(firewall);
  if (problem !== undefined)
    log(`others on the network can reach every port of the node: ${problem}`);
  if (hostName !== undefined) takeHostName(hostName, ipAddress());
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      /** File with the seed; deleted once enrolled. */
      seed: { type: 'string' },
      /** Root directory of a node that is enrolled already: starts again with what is kept there. */
      root: { type: 'string' },
    },
  });
  const survivor = Survivor.connect(process.env);
  const { identity, seedPath } = await findIdentity(values);
  survivor?.tellRoot(identity.rootDirectory);
  keepLogBelow(identity.rootDirectory);
  log(`version ${AGENT_VERSION} begins, incarnation ${identity.incarnation}`);
  const client = new HttpClient(identity.controllerUrl, identity.caPem);
  const agent = { current: undefined as Agent | undefined };
  const onSignal = () => (agent.current === undefined ? process.exit(0) : agent.current.stop(0));
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  await enrolIdentity(identity, client);
  joinNetwork(identity);
  if (seedPath !== undefined) rmSync(seedPath, { force: true });
  agent.current = new Agent(identity, client, chooseLauncher(log), survivor);
  agent.current.run();
}

// What nobody foresaw is a crash: the survivor starts the agent again, and its tasks go on.
process.on('uncaughtException', (error) => {
  log(error.stack ?? textOf(error));
  process.exit(EXIT_CRASHED);
});
main().catch((error: unknown) => {
  log(textOf(error));
  process.exit(1);
});
