import type { ToAgent, ToController } from '../../protocol/agent/message.js';
import type { Timeline } from './clock.js';
import type { Happening } from './coverage.js';
import { chanceOf, meanPauseOf, type Fault, type Rate } from './options.js';
import type { RandomStream } from './random.js';

export interface NetworkPorts {
  timeline: Timeline;
  random: RandomStream;
  faults: () => Record<Fault, Rate>;
  happened: (what: Happening) => void;
}

/** One end's ear. */
interface Listener<Message> {
  message(message: Message): void;
  /** The end of the connection as this side notices it: once, and nothing comes after. */
  closed(): void;
}

/** What one side sends to the other: in order and once, as TCP does, until the connection ends. */
class Direction<Message extends { type: string }> {
  #listener: Listener<Message> | undefined;
  /** The end has arrived; whoever begins to listen now is told at once. */
  #over = false;
  #lastArrival = 0;
  #open = true;
  readonly #underWay = new Set<() => void>();
  /** The last events that went through: a dead connection may bring them once more. */
  #lastEvents: string | undefined;
  /** Sent into a connection that is dead already, and not known to be. */
  #held: (() => void)[] | undefined;

  constructor(private readonly network: Network) {}

  listen(listener: Listener<Message>): void {
    this.#listener = listener;
    if (this.#over) this.network.ports.timeline.after(0, () => this.deafen());
  }

  send(message: Message): void {
    if (!this.#open) return;
    const text = JSON.stringify(message);
    const arrives = () => {
      if (message.type === 'events') this.#lastEvents = text;
      this.#listener?.message(JSON.parse(text) as Message);
    };
    if (this.#held === undefined) this.#later(arrives);
    else this.#held.push(arrives);
  }

  /** Nothing comes through any more, and nobody knows. */
  stall(): void {
    this.#held ??= [];
  }

  /** The sender went away in good order, or the receiver is told that it is gone. */
  end(mode: 'inOrder' | 'cut' | 'late'): void {
    if (!this.#open) return;
    this.#open = false;
    const { timeline, random } = this.network.ports;
    const { happened } = this.network.ports;
    const held = this.#held ?? [];
    const isAny = this.#underWay.size + held.length > 0;
    if (mode === 'cut' && isAny) happened('messagesLost');
    if (mode === 'late' && isAny) happened('messagesLate');
    if (mode === 'cut') for (const cancel of this.#underWay) cancel();
    if (mode === 'late') this.#lastArrival = timeline.now + random.int(500, 8_000);
    const again = this.#lastEvents;
    if (mode === 'late' && again !== undefined)
      this.#later(() => this.#listener?.message(JSON.parse(again) as Message));
    if (mode === 'late') for (const arrives of held) this.#later(arrives);
    this.#later(() => this.deafen());
  }

  /** The receiver is gone, or knows that the connection is. */
  deafen(): void {
    this.#over = true;
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.closed();
  }

  /** The receiver is no more: nobody is told. */
  forget(): void {
    this.#listener = undefined;
    this.#open = false;
  }

  #later(callback: () => void): void {
    const { timeline } = this.network.ports;
    const arrival = Math.max(timeline.now + this.network.delayMs(), this.#lastArrival);
    this.#lastArrival = arrival;
    const cancel = timeline.at(arrival, () => {
      this.#underWay.delete(cancel);
      callback();
    });
    this.#underWay.add(cancel);
  }
}

/** One connection between an agent and the controller. */
export class Link {
  readonly toController: Direction<ToController>;
  readonly toAgent: Direction<ToAgent>;

  constructor(private readonly network: Network) {
    this.toController = new Direction(network);
    this.toAgent = new Direction(network);
  }

  /**
   * The network fails, mostly some time before anybody notices: what was under way is lost, or comes
   * late, when the agent may long be speaking over another connection.
   */
  lose(): void {
    const { timeline, random, faults, happened } = this.network.ports;
    happened('linkLost');
    for (const direction of [this.toController, this.toAgent]) {
      direction.stall();
      timeline.after(random.int(0, 2_000), () =>
        direction.end(random.chance(chanceOf(faults().lateDelivery)) ? 'late' : 'cut'),
      );
    }
  }

  /** The agent hangs up (or its process ends, and its kernel hangs up). */
  closeFromAgent(): void {
    this.toAgent.forget();
    const { random, faults } = this.network.ports;
    this.toController.end(random.chance(chanceOf(faults().lateDelivery)) ? 'late' : 'inOrder');
  }

  /** The controller hangs up, or its process ended. */
  closeFromController(): void {
    this.toController.forget();
    this.toAgent.end('inOrder');
  }
}

/** Delays, and connections that die by themselves. */
export class Network {
  constructor(readonly ports: NetworkPorts) {}

  delayMs(): number {
    const { random, faults } = this.ports;
    const slow = random.chance(chanceOf(faults().slowNetwork));
    if (slow) this.ports.happened('messageSlow');
    return slow ? random.int(20, 3_000) : random.int(0, 3);
  }

  /** A connection with a life as long as the network grants it. */
  connect(): Link {
    const link = new Link(this);
    const mean = meanPauseOf(this.ports.faults().linkLoss);
    if (mean !== Infinity) {
      const life = -Math.log(1 - this.ports.random.next()) * mean;
      this.ports.timeline.after(Math.ceil(life), () => {
        if (this.ports.faults().linkLoss !== 'off') link.lose();
      });
    }
    return link;
  }

  /** Brings a single request or answer over: `lost` where it does not arrive. */
  carry(arrived: () => void, lost: () => void): void {
    const { timeline, random, faults } = this.ports;
    const fails = random.chance(chanceOf(faults().requestLost));
    timeline.after(this.delayMs(), fails ? lost : arrived);
  }
}
