import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchError } from '../../protocol/batch/errors.js';
import { JobAdd, JobUpdate } from '../../protocol/batch/job.js';
import { JobScheduleAdd } from '../../protocol/batch/job-schedule.js';
import { operations } from '../../protocol/batch/operations.js';
import { PoolAdd, PoolResize } from '../../protocol/batch/pool.js';
import { TaskAdd } from '../../protocol/batch/task.js';
import { validate } from '../../protocol/batch/validation.js';
import { durationMs, formatDuration, INFINITE_DURATION, parseTime } from '../../protocol/time.js';

const image = { publisher: 'batchyard', offer: 'process', sku: 'local' };
const machine = { imageReference: image, nodeAgentSKUId: 'batch.node.process' };
const pool = { id: 'p', vmSize: 'Standard_D1_v2', virtualMachineConfiguration: machine };
const task = { id: 't', commandLine: '/bin/true' };
const job = { id: 'j', poolInfo: { poolId: 'p' } };

/** The code, the property and the reason that a body is refused with. */
function refusal(check: () => unknown) {
  try {
    check();
  } catch (error) {
    if (!(error instanceof BatchError)) throw error;
    const first = error.values[0];
    return [error.code, first?.key === 'PropertyName' ? first.value : undefined];
  }
  throw new Error('it was accepted');
}

describe('bodies', () => {
  it('leave with the defaults of the contract', () => {
    expect(validate(TaskAdd, { ...task })).toEqual({
      ...task,
      constraints: { maxWallClockTime: INFINITE_DURATION, retentionTime: 'P7D' },
      requiredSlots: 1,
      userIdentity: { autoUser: { scope: 'pool', elevationLevel: 'nonadmin' } },
    });
    expect(validate(PoolAdd, { ...pool })).toMatchObject({
      vmSize: 'standard_d1_v2',
      virtualMachineConfiguration: { imageReference: { ...image, version: 'latest' } },
      resizeTimeout: 'PT15M',
      targetDedicatedNodes: 0,
      targetLowPriorityNodes: 0,
      taskSlotsPerNode: 1,
      taskSchedulingPolicy: { nodeFillType: 'spread' },
    });
    expect(validate(JobUpdate, { poolInfo: { poolId: 'p' } })).toMatchObject({
      priority: 0,
      metadata: [],
      constraints: { maxWallClockTime: INFINITE_DURATION, maxTaskRetryCount: 0 },
    });
  });

  it('drop unknown properties and explicit nulls', () => {
    const body = validate(JobAdd, { ...job, displayName: null, unheardOf: { a: 1 } });
    expect(body).not.toHaveProperty('unheardOf');
    expect(body).not.toHaveProperty('displayName');
  });

  it('take enums in any case and durations in any form', () => {
    expect(validate(JobAdd, { ...job, onAllTasksComplete: 'noAction' }).onAllTasksComplete).toBe(
      'noaction',
    );
    const constraints = { maxWallClockTime: 'PT90M', retentionTime: 'PT24H' };
    expect(validate(TaskAdd, { ...task, constraints }).constraints).toMatchObject({
      maxWallClockTime: 'PT1H30M',
      retentionTime: 'P1D',
    });
  });

  it.each([
    ['a number', 5],
    ['an array', []],
    ['null', null],
    ['nothing', undefined],
  ])('that are %s are no request body', (_, body) => {
    expect(refusal(() => validate(JobAdd, body))[0]).toBe('InvalidRequestBody');
  });

  const cases: [string, () => unknown, string, string][] = [
    ['a missing id', () => validate(JobAdd, { poolInfo: job.poolInfo }), 'MissingRequiredProperty', 'id'],
    ['a job without pool', () => validate(JobAdd, { id: 'j' }), 'MissingRequiredProperty', 'poolInfo'],
    ['an empty poolInfo', () => validate(JobAdd, { id: 'j', poolInfo: {} }), 'MissingRequiredProperty', 'poolId'],
    ['an illegal id', () => validate(TaskAdd, { ...task, id: 'a b' }), 'InvalidPropertyValue', 'id'],
    ['a priority of 1001', () => validate(JobAdd, { ...job, priority: 1001 }), 'OutOfRangePriority', 'priority'],
    ['-1 nodes', () => validate(PoolAdd, { ...pool, targetDedicatedNodes: -1 }), 'InvalidPropertyValue', 'targetDedicatedNodes'],
    ['half a node', () => validate(PoolAdd, { ...pool, targetDedicatedNodes: 1.5 }), 'InvalidPropertyValue', 'targetDedicatedNodes'],
    ['a text for a number', () => validate(PoolAdd, { ...pool, targetDedicatedNodes: 'many' }), 'InvalidRequestBody', 'targetDedicatedNodes'],
    ['a short resize timeout', () => validate(PoolAdd, { ...pool, resizeTimeout: 'PT1M' }), 'InvalidPropertyValue', 'resizeTimeout'],
    ['targets beside a formula', () => validate(PoolAdd, { ...pool, enableAutoScale: true, autoScaleFormula: 'x', targetDedicatedNodes: 1 }), 'InvalidPropertyValue', 'targetDedicatedNodes'],
    ['a resize without targets', () => validate(PoolResize, {}), 'MissingRequiredProperty', 'targetDedicatedNodes'],
    ['two sources', () => validate(TaskAdd, { ...task, resourceFiles: [{ filePath: 'x', httpUrl: 'http://a/b', storageContainerUrl: 'http://a/c' }] }), 'InvalidPropertyValue', 'httpUrl'],
    ['two containers', () => validate(TaskAdd, { ...task, resourceFiles: [{ autoStorageContainerName: 'c', storageContainerUrl: 'http://a/c' }] }), 'InvalidPropertyValue', 'storageContainerUrl'],
    ['a file outside', () => validate(TaskAdd, { ...task, resourceFiles: [{ filePath: '../x', httpUrl: 'http://a/b' }] }), 'InvalidPropertyValue', 'filePath'],
    ['too many files', () => validate(TaskAdd, { ...task, resourceFiles: Array.from({ length: 1001 }, (_, at) => ({ filePath: `x${at}`, httpUrl: 'http://a/b' })) }), 'RequestEntityTooLarge', 'resourceFiles'],
    ['two users', () => validate(TaskAdd, { ...task, userIdentity: { username: 'x', autoUser: {} } }), 'InvalidPropertyValue', 'username'],
    ['too many dependencies', () => validate(TaskAdd, { ...task, dependsOn: { taskIds: Array.from({ length: 1100 }, () => 'x'.repeat(64)) } }), 'TaskDependencyListTooLong', 'taskIds'],
    ['a release task alone', () => validate(JobAdd, { ...job, jobReleaseTask: { commandLine: 'x' } }), 'InvalidPropertyValue', 'jobReleaseTask'],
    ['a manager with the id of the preparation task', () => validate(JobAdd, { ...job, jobManagerTask: { id: 'JobPreparation', commandLine: 'x' }, jobPreparationTask: { commandLine: 'x' } }), 'InvalidPropertyValue', 'jobPreparationTask'],
    ['an end before the start', () => validate(JobScheduleAdd, { id: 's', schedule: { doNotRunUntil: '2030-01-02', doNotRunAfter: '2030-01-01' }, jobSpecification: { poolInfo: { poolId: 'p' } } }), 'InvalidPropertyValue', 'doNotRunAfter'],
  ]; // prettier-ignore
  it.each(cases)('refuse %s and name the property', (_, check, code, property) => {
    expect(refusal(check)).toEqual([code, property]);
  });

  it('never show a secret in an error', () => {
    const userAccounts = [{ name: 'u', password: 'hunter2'.repeat(100) }];
    try {
      validate(PoolAdd, { ...pool, userAccounts });
      expect.unreachable();
    } catch (error) {
      expect(JSON.stringify(error)).not.toContain('hunter2');
    }
  });

  it('end in a body or a refusal, whatever JSON arrives', () => {
    const schemas = operations.flatMap((row) => ('request' in row ? [row.request] : []));
    fc.assert(
      fc.property(fc.constantFrom(...schemas), fc.jsonValue({ maxDepth: 4 }), (schema, body) => {
        try {
          validate(schema, body);
        } catch (error) {
          expect(error).toBeInstanceOf(BatchError);
          expect((error as BatchError).status).toBeLessThan(500);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('times', () => {
  it('read a duration as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), (ms) => {
        expect(durationMs(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  it('know the infinite duration', () => {
    expect(durationMs(INFINITE_DURATION)).toBe(Infinity);
    expect(formatDuration(Infinity)).toBe(INFINITE_DURATION);
  });

  it('write at most the seven digits of a second that the service has, and no exponent', () => {
    expect(formatDuration(0.927_000_000_000_000_1)).toBe('PT0.000927S');
    expect(formatDuration(4.583_999_999_999_999_5)).toBe('PT0.004584S');
    expect(formatDuration(0.000_1)).toBe('PT0.0000001S');
    expect(formatDuration(0.000_01)).toBe('PT0S');
    expect(formatDuration(59_999.999_99)).toBe('PT1M');
    expect(formatDuration(10_500)).toBe('PT10.5S');
  });

  it('take zones and refuse days that are none', () => {
    expect(parseTime('2026-01-01T01:00:00+01:00')).toBe(Date.UTC(2026, 0, 1));
    expect(parseTime('2026-01-01')).toBe(Date.UTC(2026, 0, 1));
    expect(() => parseTime('2026-02-30')).toThrow(RangeError);
  });
});
