import { StepFailure } from './failure.js';

export interface ListedBlob {
  name: string;
}

/** The answer of `restype=container&comp=list`: blobs and the marker of the next page. */
export function parseContainerList(xml: string): { blobs: ListedBlob[]; nextMarker: string } {
  if (!xml.includes('<EnumerationResults')) {
    throw new StepFailure(
      'ResourceContainerListMiscError',
      'servererror',
      'The answer to the listing of the container is not an XML list of blobs.',
    );
  }
  const blobs: ListedBlob[] = [];
  for (const [, blob] of xml.matchAll(/<Blob>([\s\S]*?)<\/Blob>/g)) {
    const name = /<Name(?:\s+Encoded="(true|false)")?>([\s\S]*?)<\/Name>/.exec(blob ?? '');
    if (name === null) continue;
    const text = decodeEntities(name[2] ?? '');
    blobs.push({ name: name[1] === 'true' ? decodeURIComponent(text) : text });
  }
  const marker = /<NextMarker>([\s\S]*?)<\/NextMarker>/.exec(xml)?.[1] ?? '';
  return { blobs, nextMarker: decodeEntities(marker) };
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  return text.replace(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (whole, entity: string) => {
    if (entity.startsWith('#x') || entity.startsWith('#X'))
      return String.fromCodePoint(parseInt(entity.slice(2), 16));
    if (entity.startsWith('#')) return String.fromCodePoint(Number(entity.slice(1)));
    return ENTITIES[entity] ?? whole;
  });
}
