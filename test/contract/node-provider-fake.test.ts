import { describe } from 'vitest';
import { FakeProvider } from '../support/fake-provider.js';
import { nodeProviderContract } from './node-provider.js';

describe.each([
  ['without hypervisors', []],
  ['with two hypervisors', ['a', 'b']],
])('the fake node provider %s', (_title, hypervisors) => {
  const nodes = new FakeProvider().nodes;
  nodeProviderContract(
    () => Promise.resolve(new FakeProvider(nodes, hypervisors)),
    () => Promise.resolve(),
  );
});
