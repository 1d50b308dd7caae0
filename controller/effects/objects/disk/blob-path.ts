/**
 * Names of blobs as paths, and back. A name's `/`-separated segments become folders; in a segment
 * every byte but letters, digits, dash, dot and underscore is %XX, and each file name ends in a
 * comma and a letter, so that no name of a client is a path of its own making:
 *   ,b  the blob      ,d  a folder of names that go on after `/`
 *   ,c  a folder of segments that go on: file systems allow 255 bytes a name
 */
const PIECE_BYTES = 180;
/** Linux allows 4096 for a whole path. */
const PATH_BYTES_MAX = 3000;

const encode = (text: string) =>
  Array.from(Buffer.from(text, 'utf8'), (byte) =>
    /[A-Za-z0-9._-]/.test(String.fromCharCode(byte))
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');

export const decodePiece = (piece: string) => decodeURIComponent(piece);

/** The path's parts below the container's folder; undefined for a name that is empty or too long. */
export function blobPath(name: string): string[] | undefined {
  if (name === '' || /\p{Surrogate}/u.test(name)) return undefined;
  const segments = name.split('/');
  const parts = segments.flatMap((segment, at) => {
    const pieces = split(segment);
    const end = at === segments.length - 1 ? ',b' : ',d';
    return pieces.map((piece, index) => piece + (index === pieces.length - 1 ? end : ',c'));
  });
  return parts.join('/').length > PATH_BYTES_MAX ? undefined : parts;
}

/** Cut where the encoded text first exceeds PIECE_BYTES: names with a common start share the cut. */
function split(segment: string): string[] {
  const pieces: string[] = [];
  let piece = '';
  for (const character of segment) {
    piece += encode(character);
    if (piece.length > PIECE_BYTES) {
      pieces.push(piece);
      piece = '';
    }
  }
  return [...pieces, piece];
}
