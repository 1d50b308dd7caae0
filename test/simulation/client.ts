import type { Command } from '../../controller/engine/command.js';
import { BatchError } from '../../protocol/batch/errors.js';
import type { World } from './world.js';

/** Sends commands as a client does: requests and answers may be lost, and then it knows nothing. */
export class Client {
  constructor(private readonly world: World) {}

  /** `done` is called where the answer arrives, and only then is the command acknowledged. */
  send<T>(command: Command<T>, done: (reply: T) => void = () => undefined): void {
    const { network, controller } = this.world;
    const { happened } = this.world.coverage;
    const acknowledge = (reply: T) => {
      done(reply);
      this.world.told();
    };
    network.carry(
      () => {
        controller.submit(command)?.then(
          (reply) =>
            network.carry(
              () => acknowledge(reply),
              () => happened('answerLost'),
            ),
          (error: unknown) => {
            if (!(error instanceof BatchError) && controller.up) this.world.broken(error);
          },
        );
      },
      () => happened('requestLost'),
    );
  }
}
