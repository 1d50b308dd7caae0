/**
 * Every reason that an explanation can give: what waits for what, as a template over the reason's values,
 * and what to do about it. docs/explain.md lists them; a test compares.
 */
const table = {
  // tasks
  TaskCompleted: [
    'task',
    'It is completed: {result}.',
    'Reactivate it to run it again, if it failed.',
  ],
  TaskQuarantined: [
    'task',
    'It was running at {deaths} node deaths, the most that are allowed, and is not tried again.',
    'Find out what it does to its nodes, then reactivate it.',
  ],
  TaskRunning: ['task', 'It runs on node {node}, attempt {attempt}.', 'Nothing.'],
  TaskStopping: [
    'task',
    'Node {node} was told to end its attempt {attempt} ({then}) and has not said yet that it is dead.',
    'Wait, or look at the node if this lasts.',
  ],
  TaskAssigned: [
    'task',
    'Attempt {attempt} is with node {node} and has not begun there.',
    'Wait: the node begins it when a slot is free.',
  ],
  JobPreparationRunning: [
    'task',
    'The job preparation task runs on node {node} first.',
    'Wait, or look at the job preparation status of the job.',
  ],
  JobDisabled: ['task', 'Its job is {state}.', 'Enable the job.'],
  JobEnding: [
    'task',
    'Its job is {state}: no more tasks of it run.',
    'Add the task to another job.',
  ],
  JobWithoutPool: [
    'task',
    'Its job has no pool: {error}.',
    'Correct the auto pool specification and add the job again.',
  ],
  PoolNotFound: ['task', 'The pool {pool} of its job does not exist.', 'Add the pool.'],
  PoolDeleting: [
    'task',
    'The pool {pool} is being deleted.',
    'Disable the job and move it to another pool.',
  ],
  NeverFits: [
    'task',
    'It needs {needed} slots, and nodes of pool {pool} have {slots} (taskSlotsPerNode).',
    'Add it again with fewer requiredSlots, or use a pool with more slots per node.',
  ],
  InstancesNotAllowed: [
    'task',
    'It is a multi-instance task, and pool {pool} does not take those (enableInterNodeCommunication {communication}, taskSlotsPerNode {slots}).',
    'Use a pool with enableInterNodeCommunication and one slot per node.',
  ],
  DependencyWaiting: [
    'task',
    'It waits for {count} tasks that are not completed; the first are {tasks}.',
    'Wait, or explain those tasks.',
  ],
  DependencyBlocked: [
    'task',
    'Tasks that it depends on have ended without satisfying their dependants: {tasks}.',
    'Reactivate or correct those tasks, or add this one again without the dependency.',
  ],
  DependencyUnknown: [
    'task',
    'It depends on tasks that were never added (or were deleted): {tasks}.',
    'Add those tasks.',
  ],
  DependencyRangeWaiting: [
    'task',
    'Of the range {range} that it depends on {missing} ids are not satisfied, {first} first.',
    'Wait, add the missing tasks, or look for failed ones.',
  ],
  SubtasksEnding: [
    'task',
    '{count} parts of its last attempt are still dying on their nodes.',
    'Wait.',
  ],
  JobParallelTasksReached: [
    'task',
    'Its job has {running} tasks on nodes, and maxParallelTasks allows {limit}.',
    'Wait, or raise maxParallelTasks of the job.',
  ],
  NoNodeReady: [
    'task',
    'None of the {nodes} nodes of pool {pool} takes tasks: {states}.',
    'Explain the pool.',
  ],
  TooFewNodes: [
    'task',
    'It needs {needed} nodes at once, and {ready} of pool {pool} take tasks.',
    'Resize the pool, or explain it.',
  ],
  TooFewSuitableNodes: [
    'task',
    'It needs {needed} nodes at once, and {suitable} of {ready} suit it: {lowPriority} are low-priority nodes and on {refused} its job preparation task failed.',
    'Resize the pool, or correct the job preparation task.',
  ],
  NodesBusy: [
    'task',
    'It needs {needed} nodes that are empty at once; {empty} of {ready} are. Nodes are kept for it as they empty.',
    'Wait, or resize the pool.',
  ],
  NoSuitableNode: [
    'task',
    'Of {ready} nodes that take tasks none suits it: {lowPriority} are low-priority nodes and on {refused} its job preparation task failed.',
    'Add dedicated nodes, or correct the job preparation task.',
  ],
  NoFreeSlot: [
    'task',
    'No node has {needed} free slots: {used} of {total} are in use on {ready} nodes.',
    'Wait, resize the pool, or raise the priority of the job.',
  ],
  LowerPriority: [
    'task',
    '{tasks} tasks of {jobs} jobs with a higher priority than {priority} come first.',
    'Wait, resize the pool, or raise the priority of the job.',
  ],
  BehindInJob: ['task', '{tasks} tasks of its job come first (first in, first out).', 'Wait.'],
  SlotsKept: ['task', '{nodes} nodes are kept for tasks that need more slots or nodes.', 'Wait.'],
  TaskDue: ['task', 'Nothing holds it up: it is placed next.', 'Ask again.'],
  // pools
  PoolBeingDeleted: ['pool', 'It is being deleted; {nodes} nodes are left.', 'Wait.'],
  PoolReady: [
    'pool',
    'It has the {target} nodes it shall have, and {ready} take tasks.',
    'Resize it if that is too few.',
  ],
  PoolEmpty: [
    'pool',
    'It has no nodes and its targets are 0.',
    'Resize it, or enable automatic scaling.',
  ],
  PoolResizing: [
    'pool',
    'It has {present} of {target} nodes, and makes {missing} more since {since}.',
    'Wait; after the resize timeout of {timeout} what is missing is given up.',
  ],
  PoolShrinking: ['pool', '{leaving} nodes leave it ({option}).', 'Wait for their tasks.'],
  PoolShort: [
    'pool',
    'It has {present} of {target} nodes, and no resize is under way.',
    'Resize it again.',
  ],
  ResizeFailed: ['pool', 'The last resize ended with {code}: {message}.', 'Resize it again.'],
  QuotaReached: [
    'pool',
    'The last resize ended with {code}: {message}.',
    "Raise the account's quota, or free cores in other pools.",
  ],
  AutoScaleDecided: [
    'pool',
    'The formula last said {dedicated} dedicated and {lowPriority} low-priority nodes at {at}; it is evaluated next at {next}.',
    'Try other formulas with evaluateautoscale.',
  ],
  AutoScaleFailed: [
    'pool',
    'The formula failed at {at} ({message}), so the targets stay; it is evaluated next at {next}.',
    'Correct the formula.',
  ],
  AutoScalePending: [
    'pool',
    'The formula has not been evaluated yet; it is at {next}.',
    'Wait, or try it with evaluateautoscale.',
  ],
  NodesNotReady: [
    'pool',
    '{count} nodes are {state} and take no tasks.',
    'Explain one of them: {example}.',
  ],
  SchedulingDisabled: [
    'pool',
    'Scheduling is disabled on {count} nodes.',
    'Enable it again: {example}.',
  ],
  NeverFittingTasks: [
    'pool',
    '{count} waiting tasks need more slots or other nodes than this pool can ever have; no formula counts them.',
    'Explain one of them: {example}.',
  ],
  // nodes
  NodeCreating: ['node', 'Its provider makes it since {since}.', 'Wait.'],
  NodeStarting: [
    'node',
    'It exists since {since} and its agent has not prepared it yet.',
    'Wait; after the boot timeout it becomes unusable.',
  ],
  NodeWaitsForStartTask: [
    'node',
    'Its start task runs since {since}.',
    'Wait, or read the start task’s output on the node.',
  ],
  NodeStartTaskFailed: [
    'node',
    'Its start task failed: {failure}.',
    'Correct the start task of the pool, then reboot the node.',
  ],
  NodeRebooting: ['node', 'It is being rebooted since {since}.', 'Wait.'],
  NodeReimaging: ['node', 'It is being reimaged since {since}.', 'Wait.'],
  NodeLeaving: [
    'node',
    'It leaves the pool ({option}); {tasks} tasks are still there.',
    'Wait, or stop the resize.',
  ],
  NodeDraining: [
    'node',
    'It is being emptied ({option}) for {then}; {tasks} tasks are still there.',
    'Wait.',
  ],
  NodeSchedulingDisabled: ['node', 'Scheduling is disabled on it.', 'Enable scheduling.'],
  NodeUnusable: ['node', 'It is unusable: {errors}.', 'Reboot or reimage it, or remove it.'],
  NodeUnknown: [
    'node',
    'Its lease ended without a word of its agent; it is unknown since {since}.',
    'Wait: it is made again if it is gone.',
  ],
  NodePreempted: ['node', 'It was preempted at {since}.', 'Wait for capacity.'],
  NodeNotReady: ['node', 'It is {state} since {since} and takes no tasks.', 'Wait.'],
  NodeFull: ['node', 'All {slots} slots are in use by {tasks} tasks.', 'Wait, or resize the pool.'],
  NodeReserved: [
    'node',
    '{free} of {slots} slots are free and kept for a task that needs more.',
    'Wait.',
  ],
  NodePartlyFree: [
    'node',
    '{free} of {slots} slots are free, and no waiting task fits and suits it.',
    'Explain a waiting task, if there is one.',
  ],
  NodeWithoutWork: ['node', 'It is free and no task waits for the pool.', 'Add tasks.'],
  JobPreparationFailed: [
    'node',
    'The job preparation task of job {job} failed there: tasks of that job do not run on it.',
    'Correct the job preparation task, or reboot the node.',
  ],
} as const satisfies Record<
  string,
  readonly [about: 'task' | 'pool' | 'node', text: string, next: string]
>;

export type ReasonCode = keyof typeof table;

/** One reason with its numbers. */
export interface Reason {
  code: ReasonCode;
  values: Readonly<Record<string, string | number>>;
}

/** Every code with what it is about, its text and its next step. */
export const REASONS: readonly { code: ReasonCode; about: string; text: string; next: string }[] = (
  Object.keys(table) as ReasonCode[]
).map((code) => {
  const [about, text, next] = table[code];
  return { code, about, text, next };
});

const filled = (template: string, values: Reason['values']) =>
  template.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''));

/** A reason as clients read it. */
export function wireReason({ code, values }: Reason) {
  const [, text, next] = table[code];
  return {
    code,
    message: filled(text, values),
    nextStep: filled(next, values),
    values: Object.entries(values).map(([name, value]) => ({ name, value: String(value) })),
  };
}
