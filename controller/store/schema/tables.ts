import type { RowKind } from '../../engine/ports.js';

/** The table of each kind and its columns beside `key` and `row`, as paths into the row. */
export const TABLES: {
  readonly [K in RowKind]: { readonly table: string; readonly columns: Record<string, string> };
} = {
  account: { table: 'account', columns: {} },
  certificate: { table: 'certificate', columns: { state: '$.state' } },
  application: { table: 'application', columns: {} },
  applicationPackage: { table: 'application_package', columns: {} },
  image: { table: 'image', columns: {} },
  hypervisor: { table: 'hypervisor', columns: {} },
  pool: { table: 'pool', columns: { state: '$.state' } },
  node: {
    table: 'node',
    columns: { pool: '$.pool', is_dedicated: '$.isDedicated', state: '$.state' },
  },
  job: { table: 'job', columns: { job_schedule: '$.jobSchedule', state: '$.state' } },
  jobNode: { table: 'job_node', columns: {} },
  jobSchedule: { table: 'job_schedule', columns: { state: '$.state' } },
  taskFactory: { table: 'task_factory', columns: {} },
  sampleWindow: { table: 'sample_window', columns: {} },
  task: { table: 'task', columns: { job: '$.job', sequence: '$.sequence', state: '$.state' } },
};

export const KINDS = Object.keys(TABLES) as RowKind[];
