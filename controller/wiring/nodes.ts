import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { poolOf } from '../../protocol/keys.js';
import type { NodeKey } from '../../protocol/keys.js';
import { libvirtHosts } from '../config/settings.js';
import { ProcessProvider } from '../effects/nodes/process/process-provider.js';
import { UserNumbers } from '../effects/nodes/process/user-numbers.js';
import type { NodeProvider } from '../effects/nodes/provider.js';
import { Providers } from '../effects/nodes/providers.js';
import { NodeReconciler } from '../effects/nodes/reconcile.js';
import { specify } from '../effects/nodes/specify.js';
import type { SpecifyPorts } from '../effects/nodes/specify.js';
import type { Engine } from '../engine/engine.js';
import { importedImages } from './images.js';
import type { Parts } from './parts.js';

const SWEEP_INTERVAL_MS = 5_000;

/** Node providers, each opened when it is first needed, and the reconciler over them. */
export function createNodes(parts: Parts, engine: () => Engine) {
  const { authority, settings, log, configuration, listeners, caPem } = parts;
  const wake = (nodeKey: NodeKey) => {
    reconciler.wake(poolOf(nodeKey));
  };
  const directory = join(configuration.data, 'nodes');
  const providers = new Providers({
    process: async () => {
      const userNumbers = new UserNumbers(configuration.taskUsers, process.getuid?.() === 0);
      await userNumbers.open(configuration.data);
      return new ProcessProvider({ directory, agentFile: agentFile(), userNumbers, onExit: wake });
    },
    libvirt: () => openLibvirt(parts, engine()),
  });
  const specifyPorts: SpecifyPorts = {
    vmSizes: settings.vmSizes,
    // Processes on this machine need no https; guests get it where they can check the certificate.
    controller: ({ nodeProvider }) =>
      nodeProvider === 'process' || listeners.tlsUrl === undefined || caPem === undefined
        ? { controllerUrl: listeners.url }
        : { controllerUrl: listeners.tlsUrl, caPem },
    enrolmentToken: (nodeKey, incarnation) => authority.enrolmentToken(nodeKey, incarnation),
  };
  const reconciler = new NodeReconciler(
    {
      view: () => engine().view,
      report: (event) => {
        engine().report(event);
      },
      provider: (kind) => providers.get(kind),
      openProviders: () => providers.open(),
      hypervisors: (kind) =>
        (settings.hypervisors ?? [])
          .filter(({ nodeProvider, discovered }) => discovered && nodeProvider === kind)
          .map(({ name }) => name),
      specify: (pool, node) => specify(specifyPorts, pool, node),
      log,
    },
    {
      parallelCreates: (hypervisor) =>
        configuration.hypervisors.find(({ name }) => name === hypervisor)?.parallelNodeCreates ??
        configuration.limits.parallelNodeCreates,
      sweepIntervalMs: SWEEP_INTERVAL_MS,
    },
  );
  return { providers, reconciler };
}

/** Loaded only here: everything else works without libvirt's library. */
async function openLibvirt(
  { configuration, authority, log }: Parts,
  engine: Engine,
): Promise<NodeProvider> {
  const { LibvirtNodeProvider } = await import('../effects/nodes/libvirt/libvirt-provider.js');
  const { hypervisors, images, data } = configuration;
  return new LibvirtNodeProvider(libvirtHosts(hypervisors), {
    controllerId: authority.controllerId,
    dataDirectory: data,
    images: images.filter(({ provider }) => provider === 'libvirt'),
    imported: () => importedImages(engine),
    agent: { node: process.execPath, bundle: agentFile() },
    log,
  });
}

/** Beside the bundle of the controller, or in dist/ when it runs from its sources. */
function agentFile(): string {
  const places = ['./agent.mjs', '../../dist/agent.mjs'].map((place) =>
    fileURLToPath(new URL(place, import.meta.url)),
  );
  return places.find((place) => existsSync(place)) ?? (places[0] as string);
}
