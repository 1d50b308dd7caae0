import type { ListedBlob } from './ports.js';

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};
/** Characters that XML 1.0 can't hold in any form become U+FFFD. */
const escape = (text: string) =>
  text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
const element = (name: string, text: string) => `<${name}>${escape(text)}</${name}>`;
const DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n';

export const errorXml = (code: string, message: string) =>
  `${DECLARATION}<Error>${element('Code', code)}${element('Message', message)}</Error>`;

/** The ids of a block list in their order; undefined where it is none or names committed blocks. */
export function blockIdsOf(xml: string): string[] | undefined {
  const list = /<BlockList>([\s\S]*)<\/BlockList>/.exec(xml)?.[1];
  if (list === undefined) return /<BlockList\s*\/>/.test(xml) ? [] : undefined;
  if (list.includes('<Committed>')) return undefined;
  const ids = list.matchAll(/<(Latest|Uncommitted)>([^<]*)<\/\1>/g);
  return [...ids].map(([, , id = '']) => id.trim());
}

/** The answer of List Blobs. */
export function listXml(list: {
  endpoint: string;
  container: string;
  prefix: string;
  marker: string;
  limit: number;
  delimiter: string;
  /** Names that go on after the delimiter, up to it. */
  folders: readonly string[];
  blobs: readonly ListedBlob[];
  nextMarker?: string;
}): string {
  const blobs = list.blobs.map(
    (blob) =>
      `<Blob>${element('Name', blob.name)}<Properties>` +
      element('Last-Modified', new Date(blob.lastModified).toUTCString()) +
      element('Etag', blob.etag) +
      element('Content-Length', String(blob.contentLength)) +
      (blob.contentType === undefined ? '' : element('Content-Type', blob.contentType)) +
      (blob.contentMd5 === undefined ? '' : element('Content-MD5', blob.contentMd5)) +
      '<BlobType>BlockBlob</BlobType></Properties></Blob>',
  );
  const folders = list.folders.map((name) => `<BlobPrefix>${element('Name', name)}</BlobPrefix>`);
  const delimiter = list.delimiter === '' ? '' : element('Delimiter', list.delimiter);
  return (
    `${DECLARATION}<EnumerationResults ServiceEndpoint="${escape(list.endpoint)}" ContainerName="${escape(list.container)}">` +
    element('Prefix', list.prefix) +
    element('Marker', list.marker) +
    element('MaxResults', String(list.limit)) +
    delimiter +
    `<Blobs>${blobs.join('')}${folders.join('')}</Blobs>` +
    element('NextMarker', list.nextMarker ?? '') +
    '</EnumerationResults>'
  );
}
