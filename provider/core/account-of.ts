import type { CheckFailure } from './kind.js';
import { holdsUnknown, listOf, objectOf, textOf, type Properties } from './json.js';
import type { AccountName } from './ports.js';

export const DEFAULT_RESOURCE_GROUP = 'default';

/** The code under which the ports say that the account itself does not exist. */
export const ACCOUNT_GONE = 'AccountNotFound';

/** The account that a resource belongs to. */
export function accountOf(props: Properties): AccountName {
  const accountName = textOf(props.accountName);
  if (accountName === undefined) throw new Error('accountName is missing');
  return {
    accountName,
    resourceGroupName: textOf(props.resourceGroupName) ?? DEFAULT_RESOURCE_GROUP,
  };
}

/** The key under which metadata says which Pulumi resource owns an object: `project/stack/name`. */
const OWNER_KEY = 'pulumi';

/** Metadata with our owner's mark behind the user's own. */
export function markedMetadata(metadata: unknown, inputs: Properties): unknown[] {
  const owner = textOf(inputs.owner);
  const own = userMetadata(metadata);
  return owner === undefined ? own : [...own, { name: OWNER_KEY, value: owner }];
}

export const userMetadata = (metadata: unknown): unknown[] =>
  listOf(metadata).filter((item) => objectOf(item).name !== OWNER_KEY);

/** True when an object was made for this very resource: an earlier create whose answer was lost. */
export function isOurs(found: Properties, inputs: Properties): boolean {
  const owner = textOf(inputs.owner);
  const mark = listOf(found.metadata)
    .map(objectOf)
    .find((item) => item.name === OWNER_KEY);
  return owner !== undefined && mark?.value === owner;
}

/** The mark's name is ours alone. */
export function metadataFailures(metadata: unknown): CheckFailure[] {
  if (holdsUnknown(metadata)) return [];
  return listOf(metadata).length === userMetadata(metadata).length
    ? []
    : [
        {
          property: 'metadata',
          reason: `the name "${OWNER_KEY}" is kept for the mark of the owning stack`,
        },
      ];
}
