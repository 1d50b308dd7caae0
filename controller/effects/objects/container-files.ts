import type { ObjectStore } from './object-store.js';

/** Names a page. */
const PAGE = 5000;

/** Names of the files of a container, at most `most`; undefined: no such container. */
export async function containerFiles(
  objects: Pick<ObjectStore, 'list'>,
  account: string,
  container: string,
  prefix: string,
  most: number,
): Promise<string[] | undefined> {
  const names: string[] = [];
  let marker = '';
  while (names.length < most) {
    const limit = Math.min(PAGE, most - names.length);
    const page = await objects.list(account, container, { prefix, marker, limit });
    if (page === undefined) return undefined;
    for (const { name } of page.blobs) names.push(name);
    if (page.nextMarker === undefined) break;
    marker = page.nextMarker;
  }
  return names;
}
