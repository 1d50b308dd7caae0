import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './pulumi-stack.js';

/** What every program starts with: resources by their type token, as Pulumi's generated SDKs register them. */
const PRELUDE = `const pulumi = require('@pulumi/pulumi');
const make = (type, name, props, options) =>
  new pulumi.CustomResource('batchyard:index:' + type, name, props, options);
const machine = {
  vmSize: 'standard_a1_v2',
  deploymentConfiguration: {
    virtualMachineConfiguration: {
      imageReference: { publisher: 'batchyard', offer: 'process', sku: 'local' },
      nodeAgentSkuId: 'batch.node.process',
    },
  },
};
`;

/**
 * A project in JavaScript whose engine finds the provider process where npm has put the package: the
 * plain text of Pulumi.yaml is what the documentation shows.
 */
export function processProject(folder: string): {
  path: string;
  program: (source: string) => void;
} {
  const path = join(folder, 'program');
  mkdirSync(path);
  symlinkSync(join(root, 'node_modules'), join(path, 'node_modules'));
  writeFileSync(join(path, 'package.json'), '{ "main": "index.js" }');
  writeFileSync(
    join(path, 'Pulumi.yaml'),
    `name: process
runtime: nodejs
plugins:
  providers:
    - name: batchyard
      path: node_modules/@batchyard/pulumi/bin
`,
  );
  return {
    path,
    program: (source) => writeFileSync(join(path, 'index.js'), PRELUDE + source),
  };
}

/** An account and a pool of process nodes; \`more\` are further properties of the pool, as source text. */
export const poolProgram = (nodes: number, more = '') => `
const account = make('Account', 'account', { accountName: 'yard', accountEndpoint: undefined, primaryKey: undefined });
const pool = make('Pool', 'pool', {
  accountName: account.accountName ?? 'yard',
  poolName: 'p1',
  ...machine,
  scaleSettings: { fixedScale: { targetDedicatedNodes: ${String(nodes)} } },
  currentDedicatedNodes: undefined,
  creationTime: undefined,
  ${more}
}, { dependsOn: account });
`;
