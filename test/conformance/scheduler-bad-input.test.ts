import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROCESS_POOL } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { startController, type StartedController } from '../support/start-controller.js';

/** What decides about scheduling, wrong: 400 with the property's name, and nothing has changed. */
let controller: StartedController;
const FORMULA = '$TargetDedicatedNodes = 0;';
const send = (method: string, path: string, body?: object) =>
  signedRequest(controller, method, path, body === undefined ? {} : { body: JSON.stringify(body) });

beforeAll(async () => {
  controller = await startController();
  const task = { id: 't', commandLine: '/bin/true' };
  const added = [
    await send('POST', '/pools', { ...PROCESS_POOL, id: 'p', targetDedicatedNodes: 0 }),
    await send('POST', '/pools', { ...autoPool(FORMULA), id: 'auto' }),
    await send('POST', '/jobs', { ...JOB, id: 'j', usesTaskDependencies: true }),
    await send('POST', '/jobs/j/tasks', task),
    await send('POST', '/jobschedules', schedule({ recurrenceInterval: 'P1D' }, 's')),
  ];
  expect(added.map(({ status }) => status)).toEqual(added.map(() => 201));
});
afterAll(() => controller.stop());

const JOB = { poolInfo: { poolId: 'p' } };
const autoPool = (autoScaleFormula: string, autoScaleEvaluationInterval = 'PT15M') => ({
  ...PROCESS_POOL,
  id: 'bad',
  enableAutoScale: true,
  autoScaleFormula,
  autoScaleEvaluationInterval,
});
const schedule = (when: object, id = 'bad') => ({
  id,
  schedule: when,
  jobSpecification: { ...JOB, jobManagerTask: { id: 'm', commandLine: '/bin/true' } },
});
const after = (ranges: object[], more: object = {}) => ({
  id: 'bad',
  commandLine: '/bin/true',
  dependsOn: { taskIdRanges: ranges, ...more },
});
const ranges = (count: number) => Array.from({ length: count }, (_, n) => ({ start: n, end: n }));
const LONG = `// ${'x'.repeat(8192)}\n${FORMULA}`;
const nested = (depth: number) =>
  `$TargetDedicatedNodes = ${'('.repeat(depth)}1${')'.repeat(depth)};`;

const ENTITIES = ['/pools/p', '/pools/auto', '/jobs/j', '/jobs/j/tasks/t', '/jobschedules/s'];
const LISTS = ['/pools', '/jobs', '/jobs/j/tasks', '/jobschedules'];
/** Everything that a client can see, with its ETags; not when a formula was evaluated last. */
const everything = async () => {
  const answers = await Promise.all([...ENTITIES, ...LISTS].map((path) => send('GET', path)));
  return answers.map(({ status, headers, text }) => [status, headers.etag, text]);
};

type Case = [what: string, property: string, method: string, path: string, body: object];
const BAD: Case[] = [
  ...['/pools', '/pools/auto/enableautoscale'].flatMap((path): Case[] => {
    const body = (formula: string) =>
      path === '/pools' ? autoPool(formula) : { autoScaleFormula: formula };
    return [
      ['a formula too long', 'autoScaleFormula', 'POST', path, body(LONG)],
      ['101 statements', 'autoScaleFormula', 'POST', path, body('a = 1;'.repeat(101))],
      ['a formula nested too deep', 'autoScaleFormula', 'POST', path, body(nested(4000))],
    ];
  }),
  // Other faults of a formula are what the evaluation answers.
  [
    'a formula too long',
    'autoScaleFormula',
    'POST',
    '/pools/auto/evaluateautoscale',
    { autoScaleFormula: LONG },
  ],
  [
    'an interval below five minutes',
    'autoScaleEvaluationInterval',
    'POST',
    '/pools',
    autoPool(FORMULA, 'PT4M59S'),
  ],
  [
    'an interval of more than a week',
    'autoScaleEvaluationInterval',
    'POST',
    '/pools/auto/enableautoscale',
    { autoScaleEvaluationInterval: 'P8D' },
  ],
  [
    'an interval that is negative',
    'autoScaleEvaluationInterval',
    'POST',
    '/pools/auto/enableautoscale',
    { autoScaleEvaluationInterval: '-PT5M' },
  ],
  [
    'a negative target',
    'targetDedicatedNodes',
    'POST',
    '/pools',
    { ...PROCESS_POOL, id: 'bad', targetDedicatedNodes: -1 },
  ],
  [
    'a negative target',
    'targetLowPriorityNodes',
    'POST',
    '/pools/p/resize',
    { targetLowPriorityNodes: -1 },
  ],
  [
    'a target that is not whole',
    'targetDedicatedNodes',
    'POST',
    '/pools/p/resize',
    { targetDedicatedNodes: 0.5 },
  ],
  [
    'a resize timeout below five minutes',
    'resizeTimeout',
    'POST',
    '/pools/p/resize',
    { targetDedicatedNodes: 0, resizeTimeout: 'PT4M' },
  ],
  ...[-1001, 1001, 2 ** 40, 0.5].flatMap((priority): Case[] => [
    [`priority ${priority}`, 'priority', 'POST', '/jobs', { ...JOB, id: 'bad', priority }],
    [`priority ${priority}`, 'priority', 'PATCH', '/jobs/j', { priority }],
    [`priority ${priority}`, 'priority', 'PUT', '/jobs/j', { ...JOB, priority }],
  ]),
  ['0 parallel tasks', 'maxParallelTasks', 'PATCH', '/jobs/j', { maxParallelTasks: 0 }],
  [
    'a range that is reversed',
    'end',
    'POST',
    '/jobs/j/tasks',
    after([
      { start: 1, end: 2 },
      { start: 9, end: 3 },
    ]),
  ],
  ['a range beyond 32 bits', 'end', 'POST', '/jobs/j/tasks', after([{ start: 1, end: 2 ** 31 }])],
  ['more than 1000 ranges', 'taskIdRanges', 'POST', '/jobs/j/tasks', after(ranges(1001))],
  [
    'more than 64000 characters of ids',
    'taskIds',
    'POST',
    '/jobs/j/tasks',
    after([], { taskIds: Array.from({ length: 1001 }, (_, n) => String(n).padStart(64, '0')) }),
  ],
  [
    'a task of no slots',
    'requiredSlots',
    'POST',
    '/jobs/j/tasks',
    { id: 'bad', commandLine: '/bin/true', requiredSlots: 0 },
  ],
  ...(
    [
      ['an interval below a minute', 'recurrenceInterval', { recurrenceInterval: 'PT59S' }],
      ['a window below a minute', 'startWindow', { startWindow: 'PT1S' }],
      ['a negative interval', 'recurrenceInterval', { recurrenceInterval: '-P1D' }],
      ['a day that is over', 'doNotRunAfter', { doNotRunAfter: '2001-01-01T00:00:00Z' }],
      [
        'an end before its beginning',
        'doNotRunAfter',
        { doNotRunUntil: '2099-01-02T00:00:00Z', doNotRunAfter: '2099-01-01T00:00:00Z' },
      ],
      ['a day that there never is', 'cronExpression', { cronExpression: '0 0 30 2 *' }],
      ['a cron expression of seconds', 'cronExpression', { cronExpression: '* * * * * *' }],
      ['no cron expression', 'cronExpression', { cronExpression: 'every day' }],
      [
        'a time zone that nobody knows',
        'timeZone',
        { cronExpression: '0 0 * * *', timeZone: 'Europe/Atlantis' },
      ],
    ] as const
  ).flatMap(([what, property, when]): Case[] => [
    [`a schedule with ${what}`, property, 'POST', '/jobschedules', schedule(when)],
    ...(what === 'a day that is over'
      ? []
      : ([
          [`a schedule with ${what}`, property, 'PATCH', '/jobschedules/s', { schedule: when }],
        ] satisfies Case[])),
  ]),
];

describe('what decides about scheduling', () => {
  it('is refused where it is wrong, by the name of the property, and then nothing has changed', async () => {
    const before = await everything();
    expect(before.slice(0, ENTITIES.length).map(([status]) => status)).toEqual(
      ENTITIES.map(() => 200),
    );
    const taken: unknown[] = [];
    for (const [what, property, method, path, body] of BAD) {
      const { status, text } = await send(method, path, body);
      const { values = [] } = JSON.parse(text || '{}') as { values?: { value: string }[] };
      const isNamed = values.some(({ value }) => value.split(/[.[\]]/).includes(property));
      if (status !== 400 || !isNamed) taken.push([what, property, method, path, status, text]);
    }
    expect(taken).toEqual([]);
    expect(await everything()).toEqual(before);
  });
});

describe('a formula that grows beyond all bounds', () => {
  // Each statement has twice the elements of the one before.
  const doubling = (times: number) =>
    `v0 = $ActiveTasks.GetSample(1); ${Array.from({ length: times }, (_, n) => `v${n + 1} = vec(v${n}, v${n});`).join(' ')} $TargetDedicatedNodes = 50000;`;

  it('stops at its limits with a position, and leaves the pool as it is', async () => {
    const before = await send('GET', '/pools/auto');
    const answer = await send('POST', '/pools/auto/evaluateautoscale', {
      autoScaleFormula: doubling(90),
    });
    expect(answer.status).toBe(200);
    const { error } = JSON.parse(answer.text) as { error?: { code: string; values: object[] } };
    expect(error?.code).toBe('AutoScalingFormulaEvaluationError');
    expect(JSON.stringify(error)).toMatch(/Line 1, Col \d+/);
    const now = await send('GET', '/pools/auto');
    expect(now.headers.etag).toBe(before.headers.etag);
    expect(now.text).toBe(before.text);
  });
});

describe('a dependency on a range of two thousand million tasks', () => {
  it('costs no more than any other', async () => {
    const huge = { ...after([{ start: 0, end: 2 ** 31 - 1 }]), id: 'waits' };
    const withinMs = 5000;
    const body = JSON.stringify(huge);
    const added = await signedRequest(controller, 'POST', '/jobs/j/tasks', { body, withinMs });
    expect(added.status).toBe(201);
    const counts = await signedRequest(controller, 'GET', '/jobs/j/taskcounts', { withinMs });
    expect(JSON.parse(counts.text)).toMatchObject({ taskCounts: { active: 2 } });
  });
});
