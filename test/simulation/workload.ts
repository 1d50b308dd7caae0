import { batchAccountCreate } from '../../controller/commands/batch-account/create.js';
import { accountKey } from '../../protocol/keys.js';
import { actions, addFirst, type Action } from './actions.js';
import { Bodies } from './bodies.js';
import { Client } from './client.js';
import { randomStream, type RandomStream } from './random.js';
import type { World } from './world.js';

export const ACCOUNT = accountKey('simulated');

/** Clients that do what clients do, at random, for as long as the first phase lasts. */
export class Workload {
  readonly client: Client;
  readonly bodies: Bodies;
  readonly random: RandomStream;
  /** Tasks added so far, existing or not. */
  tasksAdded = 0;
  readonly #actions: readonly Action[];
  #active = true;

  constructor(readonly world: World) {
    this.client = new Client(world);
    this.random = randomStream(world.options.seed, 'workload');
    this.bodies = new Bodies(this.random, world.options);
    this.#actions = actions(world.options);
  }

  start(): void {
    this.#createAccount();
    this.world.timeline.after(3_000, () => addFirst(this));
    this.#next();
  }

  stop(): void {
    this.#active = false;
  }

  #createAccount(): void {
    const { world, client } = this;
    if (world.committed.tables.account.size > 0) return;
    client.send(
      batchAccountCreate({
        name: 'simulated',
        subscriptionId: '00000000-0000-0000-0000-000000000000',
        resourceGroup: 'simulated',
        location: 'here',
        sealedKeys: { primary: 'p', secondary: 's' },
      }),
    );
    world.timeline.after(2_000, () => this.#createAccount());
  }

  #next(): void {
    const { world, random } = this;
    const pause = -Math.log(1 - random.next()) * world.options.pauseMs;
    world.timeline.after(Math.ceil(pause), () => {
      if (!this.#active) return;
      if (world.committed.tables.account.size > 0) this.#act();
      this.#next();
    });
  }

  #act(): void {
    const total = this.#actions.reduce((sum, { weight }) => sum + weight, 0);
    let left = this.random.next() * total;
    for (const { weight, act } of this.#actions) {
      left -= weight;
      if (left < 0) return act(this);
    }
  }
}
