import {
  chmod,
  mkdir,
  readdir,
  readlink,
  rm,
  stat,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TaskUsers } from '../../../../protocol/agent/enrol.js';

export interface UserNumbersSetting {
  processNodes: 'auto' | 'isolated' | 'agent';
  first: number;
  perNode: number;
  nodesMax: number;
}

/** What the seed of a process node says of its tasks' users. */
export interface Granted {
  taskUsers?: TaskUsers;
  taskUsersRemark?: string;
}

/** In a node's control folder: its block, so that a node that is made again on its disk keeps it. */
const RECORD = 'users.json';
const REGISTRY = '/run/batchyard/user-numbers';
/** Other users may pass it. */
const PASSABLE = 0o001;

/**
 * Blocks of user and group numbers for process nodes, each for one node at a time, whichever controller
 * of the machine made it: a block is taken by a link in a folder of the machine, which names its node's
 * root. Only for a controller that is root.
 */
export class UserNumbers {
  constructor(
    private readonly setting: UserNumbersSetting,
    private readonly isRoot: boolean,
    private readonly registry = REGISTRY,
  ) {}

  /** Lets other users pass the data folder, whose files are private each; what is above it isn't ours to open. */
  async open(dataDirectory: string): Promise<void> {
    if (!this.isRoot || this.setting.processNodes === 'agent') return;
    const { mode } = await stat(dataDirectory);
    await chmod(dataDirectory, (mode & 0o777) | 0o111);
  }

  /**
   * The users of a node whose folders exist. Throws where they are to be isolated and can't be: the
   * folder that nobody passes, or every block taken.
   */
  async grant(root: string, controlFolder: string): Promise<Granted> {
    const { processNodes, perNode } = this.setting;
    if (!this.isRoot) {
      if (processNodes === 'isolated')
        throw new Error('taskUsers.processNodes is isolated, and the controller is not root');
      return {};
    }
    if (processNodes === 'agent') return { taskUsersRemark: 'taskUsers.processNodes is agent' };
    const closed = await closedFolder(dirname(root));
    if (closed !== undefined) {
      const remark = `other users can't pass the folder ${closed}`;
      if (processNodes === 'auto') return { taskUsersRemark: remark };
      throw new Error(`taskUsers.processNodes is isolated, and ${remark}`);
    }
    const first = await this.take(root, controlFolder);
    return { taskUsers: { kind: 'numbers', first, count: perNode } };
  }

  /** The node is gone with all its files. */
  async giveBack(root: string, controlFolder: string): Promise<void> {
    const block = this.blockOf(controlFolder);
    if (block === undefined) return;
    const link = this.link(block);
    if ((await target(link)) === root) await rm(link, { force: true });
  }

  /** Tells the numbers that are the node's alone. */
  ownerTest(controlFolder: string): (uid: number) => boolean {
    const first = this.blockOf(controlFolder);
    const end = (first ?? 0) + this.setting.perNode;
    return (uid) => first !== undefined && uid >= first && uid < end;
  }

  private async take(root: string, controlFolder: string): Promise<number> {
    await mkdir(this.registry, { recursive: true, mode: 0o755 });
    const before = this.blockOf(controlFolder);
    if (before !== undefined && (await this.claim(before, root))) return before;
    const { first, perNode, nodesMax } = this.setting;
    const taken = new Set(await readdir(this.registry));
    for (let place = 0; place < nodesMax; place += 1) {
      const block = first + place * perNode;
      if (taken.has(String(block)) && !(await this.isAbandoned(block))) continue;
      if (!(await this.claim(block, root))) continue;
      await writeFile(join(controlFolder, RECORD), JSON.stringify({ first: block }), {
        mode: 0o600,
      });
      return block;
    }
    throw new Error(
      `all ${String(nodesMax)} blocks of user numbers are taken (${this.registry}); taskUsers.nodesMax allows more`,
    );
  }

  /** Two claims of one block can't both succeed: a link is made or exists. */
  private async claim(block: number, root: string): Promise<boolean> {
    try {
      await symlink(root, this.link(block));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return (await target(this.link(block))) === root;
    }
  }

  /** Frees a block whose node's folder is gone, as after a controller that died while it removed it. */
  private async isAbandoned(block: number): Promise<boolean> {
    const link = this.link(block);
    const root = await target(link);
    if (root === undefined) return true;
    try {
      await stat(root);
      return false;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return false;
    }
    if ((await target(link)) === root) await unlink(link);
    return true;
  }

  private blockOf(controlFolder: string): number | undefined {
    try {
      const text = readFileSync(join(controlFolder, RECORD), 'utf8');
      const { first } = JSON.parse(text) as { first: number };
      return Number.isSafeInteger(first) ? first : undefined;
    } catch {
      // None, or cut short by a crash while it was written: another block will do.
      return undefined;
    }
  }

  private link(block: number): string {
    return join(this.registry, String(block));
  }
}

async function target(link: string): Promise<string | undefined> {
  try {
    return await readlink(link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The highest folder on the way that other users can't pass; undefined: they can pass all. */
async function closedFolder(path: string): Promise<string | undefined> {
  const parts = path.split('/');
  for (let length = 1; length <= parts.length; length += 1) {
    const folder = parts.slice(0, length).join('/') || '/';
    if (((await stat(folder)).mode & PASSABLE) === 0) return folder;
  }
  return undefined;
}
