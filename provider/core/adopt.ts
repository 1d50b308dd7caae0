import { accountOf, isOurs, markedMetadata } from './account-of.js';
import { nameOf, type Child } from './child.js';
import { isCode } from './failure.js';
import type { Properties } from './json.js';
import type { Ports } from './ports.js';
import { timeoutMs, waitUntil } from './wait.js';
import { wireChanges } from './wire-kind.js';

/**
 * Adds an object with the owner's mark, after one of the same name that is on its way out. One that is
 * there already is taken over where it is ours (an earlier add whose answer was lost) or `adoptExisting`
 * allows it: `change` gets the wire names of what differs, `metadata` among them for the mark of an
 * object that was somebody else's.
 * @param body instead of some properties of the wire body
 */
export async function addOrAdopt(
  child: Child,
  inputs: Properties,
  ports: Ports,
  change: (changed: string[]) => Promise<void>,
  body: Properties = {},
): Promise<void> {
  const operations = child.operations(ports.data(accountOf(inputs)));
  const name = nameOf(child, inputs);
  const wanted = child.wire.toWire(inputs);
  const marked = { ...wanted, metadata: markedMetadata(wanted.metadata, inputs), ...body };
  const limitMs = timeoutMs(inputs, 'create');
  const what = `${child.words} ${name} of before is being deleted`;
  const isNew = await waitUntil(ports, what, limitMs, async () => {
    try {
      await operations.add(marked);
      return { done: true };
    } catch (error) {
      if (isCode(error, `${child.noun}BeingDeleted`)) return { seen: 'state deleting' };
      if (isCode(error, `${child.noun}Exists`)) return { done: false };
      throw error;
    }
  });
  if (!isNew) await adopt(child, inputs, await operations.get(name), change);
}

async function adopt(
  child: Child,
  inputs: Properties,
  found: Properties,
  change: (changed: string[]) => Promise<void>,
): Promise<void> {
  const ours = isOurs(found, inputs);
  if (!ours && inputs.adoptExisting !== true)
    throw new Error(
      `exists already and is not this stack's: choose another ${child.wire.idInput}, or set adoptExisting to take it over`,
    );
  const { changed, replaces } = wireChanges(child.wire, child.asFound(inputs, found), inputs);
  if (replaces.length > 0)
    throw new Error(
      `exists already with another ${replaces.join(', ')}, which can't be changed in place: delete it, or give the values it has`,
    );
  await change(ours || changed.includes('metadata') ? changed : [...changed, 'metadata']);
}
