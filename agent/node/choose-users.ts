import { userInfo } from 'node:os';
import { AccountUsers } from './account-users.js';
import type { Identity } from './identity.js';
import { NumberUsers } from './number-users.js';
import { AgentUser, type Users } from './users.js';

/** The users that the seed grants, where the agent can be them: it is root, and setpriv is there. */
export function chooseUsers(
  identity: Identity,
  setpriv: string | undefined,
  log: (text: string) => void,
): Users {
  const { taskUsers, taskUsersRemark, rootDirectory } = identity;
  const { uid, username } = userInfo();
  if (uid !== 0)
    return new AgentUser(`not root: tasks run as user ${username}, which also runs the agent`);
  const everythingRoot = 'the agent runs as root, and so does every task';
  if (taskUsers === undefined)
    return new AgentUser(
      `${everythingRoot}: ${taskUsersRemark ?? 'separate users are not set up'}`,
    );
  if (setpriv === undefined)
    return new AgentUser(`${everythingRoot}: the program setpriv (util-linux) is missing`);
  // Modes of directories are what keeps users apart: no mask may take them away.
  process.umask(0o022);
  return taskUsers.kind === 'accounts'
    ? new AccountUsers(rootDirectory, taskUsers, setpriv, log)
    : new NumberUsers(rootDirectory, taskUsers);
}
