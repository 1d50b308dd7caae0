import type { JobScheduleKey } from '../../protocol/keys.js';
import type { RowKind, Rows } from '../engine/ports.js';
import type { Filter, Reader } from '../engine/reader.js';
import type { PageInput } from './paging.js';
import { page } from './paging.js';

/** Where a list looks. `name` tells its tokens from those of other lists. */
interface Listing {
  name: string;
  scope: string;
  filter: Filter | undefined;
  jobSchedule?: JobScheduleKey;
}

/** One page of rows of a kind. */
export function rowPage<K extends RowKind>(
  reader: Reader,
  kind: K,
  { name, scope, filter, jobSchedule }: Listing,
  input: PageInput,
  size?: number,
): Promise<{ rows: Rows[K]['row'][]; next?: string }> {
  const read = (after: string | undefined, limit: number) =>
    reader.list(kind, {
      scope,
      limit,
      ...(filter !== undefined && { filter }),
      ...(after !== undefined && { after }),
      ...(jobSchedule !== undefined && { jobSchedule }),
    });
  return page(name, input, read, size);
}
