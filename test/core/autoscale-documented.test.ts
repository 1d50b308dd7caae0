import { describe, expect, it } from 'vitest';
import { evaluate, ORDINARY, samplesOf } from '../support/autoscale.js';

/**
 * The formulas that Azure's documentation of automatic scaling prints (its articles of several years,
 * the cmdlets' help, samples), with what they decide for a pool of 4 nodes with 8 active and 4 running tasks.
 */
const DOCUMENTED: Record<string, [formula: string, dedicated: number, lowPriority?: number]> = {
  'pending tasks': [
    `startingNumberOfVMs = 1;
maxNumberofVMs = 25;
pendingTaskSamplePercent = $PendingTasks.GetSamplePercent(180 * TimeInterval_Second);
pendingTaskSamples = pendingTaskSamplePercent < 70 ? startingNumberOfVMs : avg($PendingTasks.GetSample(180 * TimeInterval_Second));
$TargetDedicatedNodes=min(maxNumberofVMs, pendingTaskSamples);
$NodeDeallocationOption = taskcompletion;`,
    12,
  ],
  'preempted nodes': [
    `maxNumberofVMs = 25;
$TargetDedicatedNodes = min(maxNumberofVMs, $PreemptedNodeCount.GetSample(180 * TimeInterval_Second));
$TargetLowPriorityNodes = min(maxNumberofVMs , maxNumberofVMs - $TargetDedicatedNodes);
$NodeDeallocationOption = taskcompletion;`,
    0,
    25,
  ],
  'the article of the low-priority nodes': [
    `// Replaces what was preempted by dedicated nodes
maxNumberofVMs = 25;
$TargetDedicatedNodes = min(maxNumberofVMs, $PreemptedNodeCount.GetSample(180 * TimeInterval_Second));
$TargetLowPriorityNodes = min(maxNumberofVMs , maxNumberofVMs - $TargetDedicatedNodes);`,
    0,
    25,
  ],
  'processor use, up and down': [
    `$totalDedicatedNodes =
    (min($CPUPercent.GetSample(TimeInterval_Minute * 10)) > 0.7) ?
    ($CurrentDedicatedNodes * 1.1) : $CurrentDedicatedNodes;
$totalDedicatedNodes =
    (avg($CPUPercent.GetSample(TimeInterval_Minute * 60)) < 0.2) ?
    ($CurrentDedicatedNodes * 0.9) : $totalDedicatedNodes;
$TargetDedicatedNodes = min(400, $totalDedicatedNodes)`,
    4,
  ],
  'the same with the old names': [
    `$TotalNodes = (min($CPUPercent.GetSample(TimeInterval_Minute*10)) > 0.7) ? ($CurrentDedicated * 1.1) : $CurrentDedicated;
$TotalNodes = (avg($CPUPercent.GetSample(TimeInterval_Minute*60)) < 0.2) ? ($CurrentDedicated * 0.9) : $TotalNodes;
$TargetDedicated = min(400, $TotalNodes);`,
    4,
  ],
  'the weekday': ['$TargetDedicatedNodes = (time().weekday == 1 ? 5:1);', 1],
  'working hours': [
    `$curTime = time();
$workHours = $curTime.hour >= 8 && $curTime.hour < 18;
$isWeekday = $curTime.weekday >= 1 && $curTime.weekday <= 5;
$isWorkingWeekdayHour = $workHours && $isWeekday;
$TargetDedicatedNodes = $isWorkingWeekdayHour ? 20:10;
$NodeDeallocationOption = taskcompletion;`,
    10,
  ],
  'working hours of another time zone': [
    `$curTime = time() + (-6 * TimeInterval_Hour);
$workHours = $curTime.hour >= 8 && $curTime.hour < 18;
$isWeekday = $curTime.weekday >= 1 && $curTime.weekday <= 5;
$isWorkingWeekdayHour = $workHours && $isWeekday;
$TargetDedicated = $isWorkingWeekdayHour ? 20:10;`,
    20,
  ],
  'nothing changes': ['$TargetDedicatedNodes = $CurrentDedicatedNodes;', 4],
  none: ['$TargetDedicatedNodes = 0', 0],
  'tasks in the queue': [
    `// Get pending tasks for the past 15 minutes.
$samples = $PendingTasks.GetSamplePercent(TimeInterval_Minute * 15);
// If we have fewer than 70 percent data points, we use the last sample point,
// otherwise we use the maximum of last sample point and the history average.
$tasks = $samples < 70 ? max(0,$PendingTasks.GetSample(1)) : max( $PendingTasks.GetSample(1), avg($PendingTasks.GetSample(TimeInterval_Minute * 15)));
// If number of pending tasks is not 0, set targetVM to pending tasks, otherwise
// half of current dedicated.
$targetVMs = $tasks > 0? $tasks:max(0, $TargetDedicatedNodes/2);
// The pool size is capped at 20.
cappedPoolSize = 20;
$TargetDedicatedNodes = max(0, min($targetVMs, cappedPoolSize));
// Set node deallocation mode - keep nodes active only until tasks finish
$NodeDeallocationOption = taskcompletion;`,
    12,
  ],
  'the active tasks, with the old names': [
    `$Samples = $ActiveTasks.GetSamplePercent(TimeInterval_Minute * 15);
$Tasks = $Samples < 70 ? max(0,$ActiveTasks.GetSample(1)) : max( $ActiveTasks.GetSample(1), avg($ActiveTasks.GetSample(TimeInterval_Minute * 15)));
$TargetVMs = $Tasks > 0? $Tasks:max(0, $TargetDedicated/2);
$TargetDedicated = max(0,min($TargetVMs,20));
$NodeDeallocationOption = taskcompletion;`,
    8,
  ],
  'parallel tasks': [
    `$samples = $ActiveTasks.GetSamplePercent(TimeInterval_Minute * 15);
$tasks = $samples < 70 ? max(0,$ActiveTasks.GetSample(1)) : max( $ActiveTasks.GetSample(1),avg($ActiveTasks.GetSample(TimeInterval_Minute * 15)));
// Set the number of nodes to add to one-fourth the number of active tasks (the
// TaskSlotsPerNode property on this pool is set to 4, adjust this number
// for your use case)
$cores = $TargetDedicatedNodes * 4;
$extraVMs = (($tasks - $cores) + 3) / 4;
$targetVMs = ($TargetDedicatedNodes + $extraVMs);
// Attempt to grow the number of compute nodes to match the number of active
// tasks, with a maximum of 3
$TargetDedicatedNodes = max(0,min($targetVMs,3));
// Keep the nodes active until the tasks finish
$NodeDeallocationOption = taskcompletion;`,
    2,
  ],
  'an initial size': [
    `$TargetDedicatedNodes = 4;
    lifespan         = time() - time("Thu, 13 Oct 2016 17:18:47 GMT");
    span             = TimeInterval_Minute * 60;
    startup          = TimeInterval_Minute * 10;
    ratio            = 50;

    $TargetDedicatedNodes = (lifespan > startup ? (max($RunningTasks.GetSample(span, ratio), $ActiveTasks.GetSample(span, ratio)) == 0 ? 0 : $TargetDedicatedNodes) : 4);`,
    4,
  ],
  'an average of the active tasks': [
    `$averageActiveTaskCount = avg($ActiveTasks.GetSample(TimeInterval_Minute * 15));
$TargetDedicated = min(10, $averageActiveTaskCount);`,
    8,
  ],
  'a span of running tasks': [
    `$runningTasksSample = $RunningTasks.GetSample(1 * TimeInterval_Minute, 6 * TimeInterval_Minute);
$TargetDedicatedNodes = avg($runningTasksSample);`,
    4,
  ],
  'a span with a percentage': [
    `$runningTasksSample = $RunningTasks.GetSample(60 * TimeInterval_Second, 120 * TimeInterval_Second, 75);
$TargetDedicatedNodes = max($runningTasksSample);`,
    4,
  ],
  'the example of the cmdlets': [
    'totalNodes=($CPUPercent.GetSamplePercent(TimeInterval_Minute*0,TimeInterval_Minute*10)<0.7?5:(min($CPUPercent.GetSample(TimeInterval_Minute*0, TimeInterval_Minute*10))>0.8?($CurrentDedicated*1.1):$CurrentDedicated));$TargetDedicated=min(100,totalNodes);',
    4,
  ],
  'pending tasks in the old name, as the article of Data Factory has it': [
    `startingNumberOfVMs = 1;
maxNumberofVMs = 25;
pendingTaskSamplePercent = $PendingTasks.GetSamplePercent(180 * TimeInterval_Second);
pendingTaskSamples = pendingTaskSamplePercent < 70 ? startingNumberOfVMs : avg($PendingTasks.GetSample(180 * TimeInterval_Second));
$TargetDedicated=min(maxNumberofVMs,pendingTaskSamples);`,
    12,
  ],
  'the weekday with the old name': ['$TargetDedicated = (time().weekday == 1 ? 5:1);', 1],
  'the current size in numbers': ['$TargetDedicated = 4;', 4],
  'a fixed number, as references of the API have it': ['$TargetDedicated=1', 1],
  'none with the old name': ['$TargetDedicated = 0', 0],
  'tasks in the queue, capped in place': [
    `$samples = $PendingTasks.GetSamplePercent(TimeInterval_Minute * 15);
$tasks = $samples < 70 ? max(0,$PendingTasks.GetSample(1)) : max( $PendingTasks.GetSample(1), avg($PendingTasks.GetSample(TimeInterval_Minute * 15)));
$targetVMs = $tasks > 0? $tasks:max(0, $TargetDedicatedNodes/2);
// The pool size is capped at 20, if target VM value is more than that, set it
// to 20. This value should be adjusted according to your use case.
$TargetDedicatedNodes = max(0, min($targetVMs, 20));
$NodeDeallocationOption = taskcompletion;`,
    12,
  ],
  'parallel tasks with the old names': [
    `$samples = $ActiveTasks.GetSamplePercent(TimeInterval_Minute * 15);
$tasks = $samples < 70 ? max(0,$ActiveTasks.GetSample(1)) : max( $ActiveTasks.GetSample(1),avg($ActiveTasks.GetSample(TimeInterval_Minute * 15)));
$cores = $TargetDedicated * 4;
$extraVMs = (($tasks - $cores) + 3) / 4;
$targetVMs = ($TargetDedicated + $extraVMs);
$TargetDedicated = max(0,min($targetVMs,3));
$NodeDeallocationOption = taskcompletion;`,
    2,
  ],
  'an initial size with the old names': [
    `$TargetDedicated = 4;
    lifespan         = time() - time("Thu, 13 Oct 2016 17:18:47 GMT");
    span             = TimeInterval_Minute * 60;
    startup          = TimeInterval_Minute * 10;
    ratio            = 50;

    $TargetDedicated = (lifespan > startup ? (max($RunningTasks.GetSample(span, ratio), $ActiveTasks.GetSample(span, ratio)) == 0 ? 0 : $TargetDedicated) : 4);`,
    4,
  ],
  'slots of a node': ['$TargetDedicatedNodes = $PendingTasks / $TaskSlotsPerNode + 0.9', 6],
  'slots of tasks': ['$TargetDedicatedNodes = ceil($PendingTaskSlots / $TaskSlotsPerNode);', 12],
  'the sample of the client libraries': [
    `startingNumberOfVMs = 0; running = val($RunningTasks.GetSample(1), 0);
$samples = $ActiveTasks.GetSamplePercent(TimeInterval_Minute * 5);
$tasks = $samples < 70 ? max(0, $ActiveTasks.GetSample(1)) :
    max( $ActiveTasks.GetSample(1), avg($ActiveTasks.GetSample(TimeInterval_Minute * 5)));
$targetVMs = $tasks > 0 ? $tasks : max(0, $TargetDedicatedNodes / 2);
cappedPoolSize = 5;
$TargetDedicatedNodes = max(0, min($targetVMs, cappedPoolSize));
$NodeDeallocationOption = taskcompletion;`,
    5,
  ],
};

describe("the documentation's own formulas", () => {
  it.each(Object.entries(DOCUMENTED))('%s', (_, [formula, dedicated, lowPriority = 1]) => {
    const evaluation = evaluate(formula);
    expect(evaluation.targetDedicatedNodes).toBe(dedicated);
    expect(evaluation.targetLowPriorityNodes).toBe(lowPriority);
    expect(evaluation.nodeDeallocationOption).toBe(
      formula.includes('= taskcompletion') ? 'taskcompletion' : 'requeue',
    );
  });

  it.each([
    ['$CPUPercent.GetSample(TimeInterval_Minute * 5)', 10],
    ['$CPUPercent.GetSample(TimeInterval_Minute * 10)', 18],
    ['$CPUPercent.GetSample(TimeInterval_Minute * 10, 80)', 18],
    ['$CPUPercent.GetSample(TimeInterval_Minute * 10, 95)', 0],
  ])('%s, with 90 percent of the samples of ten minutes there, finds %i', (expression, count) => {
    const samples = samplesOf({ $CPUPercent: Array.from({ length: 18 }, () => 0.5) });
    const counted = () => evaluate(`n = len(${expression});`, samples).results;
    if (count > 0) expect(counted()).toMatch(new RegExp(`;n=${count}(;|$)`));
    else expect(counted).toThrow('wanted 95%, received 90%');
  });

  it('avg(v), avg(1,2,3), avg(v, 7) and avg(1,2,3,7) are what the article says', () => {
    const formula =
      'v = vec(1,2,3); a = avg(v) == avg(1,2,3); b = avg(v, 7) == avg(1,2,3,7); c = avg(v, 7);';
    expect(evaluate(formula).results).toMatch(/;a=1;b=1;c=3\.25;/);
  });

  it('the vector of the documentation shows as it is printed there', () => {
    const samples = samplesOf({ $RunningTasks: Array.from({ length: 30 }, () => 1) });
    const formula =
      '$runningTasksSample = $RunningTasks.GetSample(1 * TimeInterval_Minute, 6 * TimeInterval_Minute);';
    expect(evaluate(formula, samples).results).toContain(
      ';$runningTasksSample=[1,1,1,1,1,1,1,1,1,1]',
    );
  });

  it('every function, method and metric has a place in them or evaluates by itself', () => {
    for (const name of [
      '$WallClockSeconds',
      '$MemoryBytes',
      '$DiskBytes',
      '$DiskReadBytes',
      '$DiskWriteBytes',
      '$DiskReadOps',
      '$DiskWriteOps',
      '$NetworkInBytes',
      '$NetworkOutBytes',
      '$SampleNodeCount',
      '$SucceededTasks',
      '$FailedTasks',
      '$CurrentLowPriorityNodes',
      '$UsableNodeCount',
    ])
      expect(evaluate(`x = ${name}.GetSample(1); y = ${name}`, ORDINARY).results).toMatch(/;x=\[/);
  });
});
