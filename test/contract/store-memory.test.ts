import { MemoryStore } from '../support/memory-store.js';
import { describeStore } from './store.js';

/** The store of the core's tests keeps the same promises, short of crashes. */
describeStore('in memory', () => {
  const store = new MemoryStore();
  return { open: () => Promise.resolve(store), remove: () => undefined };
});
