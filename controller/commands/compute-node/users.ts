import { BatchError, invalidPropertyValue } from '../../../protocol/batch/errors.js';
import type { NodeUserUpdate } from '../../../protocol/batch/node.js';
import { parseTime } from '../../../protocol/time.js';
import type { Node, NodeUser } from '../../core/node/state.js';
import { checkRestartable } from './restartable.js';

const DAY_MS = 24 * 60 * 60_000;
/** OpenSSH's form of one public key, or the key alone in Base64. */
const PUBLIC_KEY = /^(?:[a-z][a-z0-9@.-]{2,63} )?[A-Za-z0-9+/]{16,}={0,3}(?: [^\r\n]*)?\s*$/;

/** Users are made and changed while the node is ready for work. @throws BatchError the node's state says why not */
export function checkTakesUsers(node: Node): void {
  if (node.state === 'unusable') throw new BatchError('NodeStateUnusable');
  if (node.state === 'starttaskfailed') throw new BatchError('NodeNotReady');
  checkRestartable(node);
}

/** Those that have not expired and were made on the disk that the node has now. */
export const usersOf = (node: Node, now: number): NodeUser[] =>
  (node.users ?? []).filter(
    (user) => user.expiryTime > now && user.diskIncarnation === (node.diskIncarnation ?? 1),
  );

/** What add and update set alike; an absent expiry time is a day from now. */
export function credentialsOf(
  body: NodeUserUpdate,
  now: number,
): Pick<NodeUser, 'expiryTime' | 'sshPublicKey'> {
  const { sshPublicKey } = body;
  const expiryTime = body.expiryTime === undefined ? now + DAY_MS : parseTime(body.expiryTime);
  if (expiryTime <= now)
    throw invalidPropertyValue('expiryTime', body.expiryTime ?? '', 'It must lie in the future.');
  if (sshPublicKey === undefined) return { expiryTime };
  if (!PUBLIC_KEY.test(sshPublicKey))
    throw invalidPropertyValue(
      'sshPublicKey',
      sshPublicKey.slice(0, 64),
      "It must be a public key in OpenSSH's form.",
    );
  return { expiryTime, sshPublicKey };
}
