import { describe } from 'vitest';
import { FakeProvider } from '../support/fake-provider.js';
import { nodeProviderContract } from './node-provider.js';

describe('the fake node provider', () => {
  const nodes = new FakeProvider().nodes;
  nodeProviderContract(
    () => Promise.resolve(new FakeProvider(nodes)),
    () => Promise.resolve(),
  );
});
