import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** More would be too many for one `pulumi up`: add tasks like these with a Batch client instead. */
const FILES_MAX = 1000;
const LOOK_AT_BYTES = 8192;

export interface TextFile {
  name: string;
  path: string;
  /** Name in the container. */
  blob: string;
  taskId: string;
}

/** The text files of a folder, by name; links, folders and binary files are left out. */
export function textFiles(folder: string): TextFile[] {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && isText(join(folder, entry.name)))
    .map((entry) => entry.name)
    .sort();
  if (names.length === 0) throw new Error(`${folder} holds no text file`);
  if (names.length > FILES_MAX)
    throw new Error(`${folder} holds ${names.length} text files; at most ${FILES_MAX} are allowed`);
  const taken = new Set<string>();
  return names.map((name) => {
    const taskId = freeId(`count-${name.replace(/[^\w-]+/g, '_').slice(0, 48)}`, taken);
    return { name, path: join(folder, name), blob: `texts/${taskId}`, taskId };
  });
}

/** Ids are compared without case. */
function freeId(wish: string, taken: Set<string>): string {
  for (let n = 1; ; n += 1) {
    const id = n === 1 ? wish : `${wish}-${n}`;
    if (taken.has(id.toLowerCase())) continue;
    taken.add(id.toLowerCase());
    return id;
  }
}

/** A file with a NUL near its start is none. */
function isText(path: string): boolean {
  const start = Buffer.alloc(LOOK_AT_BYTES);
  const file = openSync(path, 'r');
  try {
    return !start.subarray(0, readSync(file, start)).includes(0);
  } finally {
    closeSync(file);
  }
}

/** What the tasks run: blob → path. */
export function taskScripts(): Record<string, string> {
  const names = readdirSync(join(__dirname, 'tasks')).filter((name) => name.endsWith('.sh'));
  return Object.fromEntries(names.map((name) => [`tasks/${name}`, join('tasks', name)]));
}
