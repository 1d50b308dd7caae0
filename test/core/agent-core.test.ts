import { beforeEach, describe, expect, test } from 'vitest';
import { AgentCore } from '../../agent/core/agent-core.js';
import type { Output } from '../../agent/core/output.js';
import type { Assignment, NodeConfiguration } from '../../protocol/agent/assignment.js';
import type { AgentEvent, SequencedEvent } from '../../protocol/agent/event.js';

const configuration: NodeConfiguration = {
  accountName: 'acct',
  accountUrl: 'https://acct/',
  poolId: 'pool',
  nodeId: 'node',
  isDedicated: true,
  taskSlotsPerNode: 2,
  certificates: [],
};
const program = { commandLine: 'true', environmentSettings: [], resourceFiles: [] };

function task(id: string, more: Partial<Assignment> = {}): Assignment {
  return {
    ...program,
    taskKey: `acct/job/${id}`,
    attempt: 1,
    jobId: 'job',
    taskId: id,
    directory: `workitems/job/job-1/${id}`,
    requiredSlots: 1,
    outputFiles: [],
    ...more,
  };
}

/** The core under a clock that the test turns. */
class Scene {
  time = 1_000;
  core = new AgentCore({ protocolVersion: 1, agentVersion: 'test', remarks: [] });
  heartbeat = 0;

  get now() {
    return { monotonic: this.time, epoch: 1_700_000_000_000 + this.time };
  }
  outputs(): Output[] {
    const outputs = this.core.takeOutputs();
    for (const output of outputs) {
      if (output.type === 'send' && output.message.type === 'heartbeat')
        this.heartbeat = output.message.number;
    }
    return outputs;
  }
  flushed(): SequencedEvent[] {
    this.core.flush();
    return this.outputs().flatMap((output) =>
      output.type === 'send' && output.message.type === 'events' ? output.message.events : [],
    );
  }
  events(): AgentEvent[] {
    return this.flushed().map(({ event }) => event);
  }
  /** Names of the tasks that the outputs start. */
  starts(): string[] {
    return this.outputs().flatMap((output) =>
      output.type === 'startAttempt' ? [output.assignment.taskId] : [],
    );
  }
  kills(): string[] {
    return this.outputs().flatMap((output) =>
      output.type === 'killAttempt' ? [output.attempt.taskKey] : [],
    );
  }
  connect(acknowledged = 0): void {
    this.core.linkOpened();
    this.core.receive({ type: 'welcome', heartbeatIntervalMs: 1_000, acknowledged }, this.now);
  }
  lease(leaseMs = 10_000): void {
    this.outputs();
    this.core.receive({ type: 'lease', heartbeat: this.heartbeat, leaseMs }, this.now);
  }
  prepare(more: Partial<NodeConfiguration> = {}): void {
    this.core.receive(
      { type: 'configure', configuration: { ...configuration, ...more } },
      this.now,
    );
    this.core.prepared(this.now);
  }
  ready(more: Partial<NodeConfiguration> = {}): void {
    this.connect();
    this.prepare(more);
    this.lease();
    this.core.flush();
    this.outputs();
  }
  assign(...assignments: Assignment[]): void {
    this.core.receive({ type: 'assign', assignments }, this.now);
  }
  end(id: string, exitCode = 0, attempt = 1): void {
    this.core.attemptEnded(
      { taskKey: `acct/job/${id}`, attempt },
      { endTime: this.now.epoch, exitCode },
      this.now,
    );
  }
  tickAfter(milliseconds: number): void {
    this.time += milliseconds;
    this.core.tick(this.now);
  }
}

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});

describe('slots', () => {
  test('tries start in order while slots are free', () => {
    scene.ready();
    scene.assign(task('a'), task('b'), task('c'));
    expect(scene.starts()).toEqual(['a', 'b']);
    scene.end('a');
    expect(scene.starts()).toEqual(['c']);
  });

  test('a try that needs more slots than are free holds back those behind it', () => {
    scene.ready();
    scene.assign(task('a'), task('b', { requiredSlots: 2 }), task('c'));
    expect(scene.starts()).toEqual(['a']);
    scene.end('a');
    expect(scene.starts()).toEqual(['b']);
  });

  test('a try that needs none waits for nobody', () => {
    scene.ready();
    scene.assign(task('a', { requiredSlots: 2 }), task('b'), task('special', { requiredSlots: 0 }));
    expect(scene.starts()).toEqual(['a', 'special']);
    scene.end('special');
    expect(scene.starts()).toEqual([]);
    scene.end('a');
    expect(scene.starts()).toEqual(['b']);
  });

  test('tries that wait too long behind longer work go back unstarted', () => {
    scene.ready();
    scene.assign(task('a'), task('b'), task('c'));
    scene.core.flush();
    scene.outputs();
    expect(scene.core.wakeAt()).toBe(scene.time + 200);
    scene.tickAfter(200);
    expect(scene.events()).toEqual([
      { type: 'attemptReturned', taskKey: 'acct/job/c', attempt: 1 },
    ]);
  });

  test('a queue that moves keeps its tries', () => {
    scene.ready();
    scene.assign(task('a'), task('b'), task('c'), task('d'));
    scene.time += 150;
    scene.end('a');
    scene.tickAfter(100);
    expect(scene.events().filter(({ type }) => type === 'attemptReturned')).toEqual([]);
  });

  test('two tries of one task never run at once: the older is stopped first', () => {
    scene.ready();
    scene.assign(task('a'));
    scene.outputs();
    scene.assign(task('a', { attempt: 2 }));
    expect(scene.kills()).toEqual(['acct/job/a']);
    scene.end('a', -15);
    expect(scene.starts()).toEqual(['a']);
  });

  test('the same assignment twice runs once, also when its end is not yet durable', () => {
    scene.ready();
    scene.assign(task('a'), task('a'));
    expect(scene.starts()).toEqual(['a']);
    scene.end('a');
    scene.assign(task('a'));
    expect(scene.starts()).toEqual([]);
  });
});

describe('the lease', () => {
  test('nothing starts before the first', () => {
    scene.connect();
    scene.prepare();
    scene.assign(task('a'));
    expect(scene.starts()).toEqual([]);
    scene.lease();
    expect(scene.starts()).toEqual(['a']);
  });

  test('counts from the sending of its heartbeat, and tries die a margin before its end', () => {
    scene.connect();
    scene.prepare();
    scene.outputs();
    scene.time += 500;
    scene.core.receive({ type: 'lease', heartbeat: scene.heartbeat, leaseMs: 10_000 }, scene.now);
    scene.assign(task('a'));
    scene.outputs();
    scene.core.linkClosed();
    expect(scene.core.wakeAt()).toBe(1_000 + 10_000 - 2_000);
    scene.tickAfter(7_499);
    expect(scene.kills()).toEqual([]);
    scene.tickAfter(1);
    expect(scene.kills()).toEqual(['acct/job/a']);
    scene.end('a', -15);
    scene.connect();
    expect(scene.events()).toContainEqual(
      expect.objectContaining({
        type: 'attemptEnded',
        outcome: expect.objectContaining({ stopped: true, exitCode: -15 }) as unknown,
      }),
    );
  });

  test('an answer to an unknown heartbeat is worth nothing', () => {
    scene.connect();
    scene.prepare();
    scene.core.receive({ type: 'lease', heartbeat: 99, leaseMs: 10_000 }, scene.now);
    scene.assign(task('a'));
    expect(scene.starts()).toEqual([]);
  });

  test('a controller that leaves three heartbeats unanswered is dialled anew', () => {
    scene.ready();
    for (let beat = 0; beat < 3; beat += 1) scene.tickAfter(1_000);
    expect(scene.outputs().map(({ type }) => type)).not.toContain('dropLink');
    scene.tickAfter(1_000);
    expect(scene.outputs().map(({ type }) => type)).toContain('dropLink');
  });
});

describe('events', () => {
  test('a start is left out when the end travels in the same message', () => {
    scene.ready();
    scene.assign(task('a'));
    scene.end('a');
    expect(scene.events().map(({ type }) => type)).toEqual(['attemptEnded']);
  });

  test('are sent again with their numbers until they are acknowledged', () => {
    scene.ready();
    scene.assign(task('a'), task('b'));
    scene.end('a');
    const sent = scene.flushed();
    scene.core.linkClosed();
    scene.end('b');
    scene.core.linkOpened();
    const hello = scene.outputs()[0];
    expect(hello).toMatchObject({ message: { configured: true } });
    scene.core.receive({ type: 'welcome', heartbeatIntervalMs: 1_000, acknowledged: 1 }, scene.now);
    const again = scene
      .outputs()
      .flatMap((output) =>
        output.type === 'send' && output.message.type === 'events' ? output.message.events : [],
      );
    expect(again).toEqual(sent);
    expect(scene.flushed().map(({ sequence }) => sequence)).toEqual([
      (sent.at(-1)?.sequence ?? 0) + 1,
    ]);
  });

  test('numbers go on after those of an earlier agent of this incarnation', () => {
    scene.connect(41);
    scene.prepare();
    expect(scene.flushed()).toMatchObject([{ sequence: 42, event: { type: 'nodePrepared' } }]);
  });

  test('hello says how far the spool goes, so that nobody waits for more', () => {
    scene.ready();
    scene.assign(task('a'), task('b'));
    scene.end('a');
    const last = scene.flushed().at(-1)?.sequence ?? NaN;
    scene.end('b');
    scene.core.linkClosed();
    scene.outputs();
    scene.core.linkOpened();
    expect(scene.outputs()[0]).toMatchObject({
      message: { type: 'hello', lastSequence: last + 1 },
    });
    scene.connect(last);
    expect(scene.flushed().at(-1)?.sequence).toBe(last + 1);
  });

  test('hello names every try that the controller may still count on', () => {
    scene.ready();
    scene.assign(task('a'), task('b'), task('c'));
    scene.end('a');
    scene.core.linkClosed();
    scene.outputs();
    scene.core.linkOpened();
    const held = scene
      .outputs()
      .flatMap((output) =>
        output.type === 'send' && output.message.type === 'hello' ? output.message.held : [],
      );
    expect(held.map(({ taskKey }) => taskKey).sort()).toEqual([
      'acct/job/a',
      'acct/job/b',
      'acct/job/c',
    ]);
  });
});

describe('ends', () => {
  test('the wall-clock limit ends a try with TaskEnded', () => {
    scene.ready();
    scene.assign(task('a', { maxWallClockTimeMs: 500 }));
    scene.outputs();
    scene.tickAfter(500);
    expect(scene.kills()).toEqual(['acct/job/a']);
    scene.end('a', -15);
    expect(scene.events()).toContainEqual(
      expect.objectContaining({
        outcome: expect.objectContaining({
          exitCode: -15,
          failure: expect.objectContaining({ code: 'TaskEnded' }) as unknown,
        }) as unknown,
      }),
    );
  });

  test('a try that waits is stopped without ever having begun', () => {
    scene.ready();
    scene.assign(task('a'), task('b'), task('c'));
    scene.outputs();
    scene.core.receive(
      { type: 'stop', attempts: [{ taskKey: 'acct/job/c', attempt: 1 }] },
      scene.now,
    );
    expect(scene.events()).toContainEqual({
      type: 'attemptEnded',
      taskKey: 'acct/job/c',
      attempt: 1,
      outcome: { endTime: scene.now.epoch, stopped: true },
    });
  });

  test('a directory is kept for its retention time from the end on', () => {
    scene.ready();
    scene.assign(task('a', { retentionTimeMs: 5_000 }));
    scene.end('a');
    expect(scene.outputs()).toContainEqual({
      type: 'retainDirectory',
      directory: 'workitems/job/job-1/a',
      untilEpoch: scene.now.epoch + 5_000,
    });
  });
});

describe('the start task', () => {
  const startTask = { ...program, maxTaskRetryCount: 1, waitForSuccess: true };

  test('is retried, and tries wait for its success', () => {
    scene.connect();
    scene.prepare({ startTask });
    scene.lease();
    scene.assign(task('a'));
    scene.core.startTaskEnded({ endTime: 1, exitCode: 3 }, scene.now);
    scene.tickAfter(100);
    expect(scene.starts()).toEqual([]);
    scene.core.startTaskEnded({ endTime: 2, exitCode: 0 }, scene.now);
    expect(scene.starts()).toEqual(['a']);
    expect(scene.events()).toMatchObject([
      { type: 'nodePrepared' },
      { type: 'startTaskStarted', retryCount: 0 },
      { type: 'startTaskEnded', retryCount: 0, final: false },
      { type: 'startTaskStarted', retryCount: 1 },
      { type: 'startTaskEnded', retryCount: 1, final: true },
      { type: 'attemptStarted' },
    ]);
  });

  test('a failure before its process is final', () => {
    scene.connect();
    scene.prepare({ startTask: { ...startTask, maxTaskRetryCount: -1 } });
    scene.core.startTaskEnded({ endTime: 1, preProcessing: true }, scene.now);
    expect(scene.events().at(-1)).toMatchObject({ type: 'startTaskEnded', final: true });
  });
});
