import type { Assignment } from '../../../protocol/agent/assignment.js';
import type { NodeKey, TaskKey } from '../../../protocol/keys.js';
import type { VmSize } from '../../core/settings.js';
import type { Task } from '../../core/task/state.js';
import type { StateView, TaskBody } from '../../engine/ports.js';
import { resourceFile } from './assignment.js';
import type { OwnStorage } from './own-storage.js';

/** A node that has not said its address is on this machine. */
const LOOPBACK = '127.0.0.1';

/** The task that an attempt belongs to: subtasks are known as `{task key}:{n}`, and ids have no colon. */
export function taskOf(key: TaskKey): TaskKey {
  const at = key.lastIndexOf(':');
  return at > key.lastIndexOf('/') ? (key.slice(0, at) as TaskKey) : key;
}

/** The node that an attempt is on, and the number of its part; undefined where the task does not know it. */
export function placeOf(
  task: Readonly<Task>,
  key: TaskKey,
): { node: NodeKey | undefined; id: number } | undefined {
  if (key === task.key) return { node: task.node, id: 0 };
  const subtask = task.subtasks?.find((one) => one.key === key);
  return subtask?.phase === undefined ? undefined : { node: subtask.node, id: subtask.id };
}

/**
 * One part's assignment from the task's: the primary (0) keeps files and command line, the others only
 * coordinate, in directories of their own below the task's.
 */
export function asPart(
  whole: Assignment,
  { task, body, id, view }: { task: Readonly<Task>; body: TaskBody; id: number; view: StateView },
  storage: OwnStorage,
  vmSizes: readonly VmSize[],
): Assignment {
  const settings = body.multiInstanceSettings;
  if (settings === undefined) return whole;
  const nodes = [task.node, ...(task.subtasks ?? []).map(({ node }) => node)];
  const multiInstance = {
    subtaskId: id,
    coordinationCommandLine: settings.coordinationCommandLine,
    commonResourceFiles: (settings.commonResourceFiles ?? []).map((file) =>
      resourceFile(file, storage),
    ),
    sharedDirectory: whole.directory,
    hosts: nodes.map((key) => (key && view.nodes.get(key)?.ipAddress) ?? LOOPBACK),
    coresPerHost: coresOf(task, view, vmSizes),
  };
  if (id === 0) return { ...whole, multiInstance };
  const { maxWallClockTimeMs: _, ...rest } = whole;
  return {
    ...rest,
    taskKey: `${task.key}:${id}`,
    directory: `${whole.directory}/${id}`,
    resourceFiles: [],
    outputFiles: [],
    multiInstance,
  };
}

function coresOf(task: Readonly<Task>, view: StateView, vmSizes: readonly VmSize[]): number {
  const node = task.node === undefined ? undefined : view.nodes.get(task.node);
  const vmSize = node === undefined ? undefined : view.pools.get(node.pool)?.specification.vmSize;
  return vmSizes.find(({ name }) => name === vmSize?.toLowerCase())?.vcpus ?? 1;
}
