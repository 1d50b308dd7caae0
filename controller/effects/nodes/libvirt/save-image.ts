/**
 * libvirt's save file: a header of 92 bytes, the domain's XML (ended by NUL), QEMU's cookie, the memory.
 * libvirt restores a file only as the domain that it names, so a node that is resumed from a template has
 * a copy of the file with its own XML in the header.
 */
import { constants } from 'node:fs';
import { copyFile, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

const MAGIC = 'LibvirtQemudSave';
const HEADER_BYTES = 92;
const VERSION = 2;
/** Of the XML and the cookie together: libvirt's own are below 100 KiB. */
const DATA_BYTES_MAX = 16 * 1024 * 1024;
const UUID = /<uuid>([0-9a-f-]{36})<\/uuid>/;

interface Head {
  xml: string;
  cookie: string;
  xmlBytes: number;
}

/** The XML that the file would be restored as. Throws for what is not a save file with plain memory. */
export async function savedXml(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    return (await readHead(handle, file)).xml;
  } finally {
    await handle.close();
  }
}

/**
 * Copies a save file (by reference where the file system can) and gives it another XML, which must not be
 * longer than the old one. The copy is for its owner alone.
 */
export async function copySaved(
  file: string,
  target: string,
  rewrite: (xml: string) => string,
): Promise<void> {
  await copyFile(file, target, constants.COPYFILE_FICLONE);
  const handle = await open(target, 'r+');
  try {
    await handle.chmod(0o600);
    const { xml, cookie, xmlBytes } = await readHead(handle, file);
    const own = rewrite(xml);
    const written = Buffer.alloc(xmlBytes);
    if (Buffer.byteLength(own) >= xmlBytes)
      throw new Error(
        `the XML of the resumed node takes ${String(Buffer.byteLength(own))} bytes; ${file} has room for ${String(xmlBytes - 1)}`,
      );
    written.write(own);
    await handle.write(written, 0, xmlBytes, HEADER_BYTES);
    const [oldId, newId] = [UUID.exec(xml)?.[1], UUID.exec(own)?.[1]];
    if (cookie === '' || oldId === undefined || newId === undefined) return;
    await handle.write(
      Buffer.from(cookie.replaceAll(oldId, newId), 'latin1'),
      0,
      undefined,
      HEADER_BYTES + xmlBytes,
    );
  } finally {
    await handle.close();
  }
}

async function readHead(handle: FileHandle, file: string): Promise<Head> {
  const header = await exactly(handle, 0, HEADER_BYTES, file);
  const [version, dataBytes, , compressed, cookieOffset] = [0, 1, 2, 3, 4].map((field) =>
    header.readUInt32LE(MAGIC.length + 4 * field),
  ) as [number, number, number, number, number];
  if (header.toString('latin1', 0, MAGIC.length) !== MAGIC || version !== VERSION)
    throw new Error(`${file} is not a save file of version ${String(VERSION)}`);
  if (compressed !== 0)
    throw new Error(
      `${file} is compressed; set save_image_format = "raw" in /etc/libvirt/qemu.conf`,
    );
  if (dataBytes > DATA_BYTES_MAX || cookieOffset > dataBytes)
    throw new Error(`${file} has a broken header`);
  const data = await exactly(handle, HEADER_BYTES, dataBytes, file);
  const xmlBytes = cookieOffset === 0 ? dataBytes : cookieOffset;
  const xml = data.toString('utf8', 0, xmlBytes);
  return {
    xml: xml.slice(0, xml.indexOf('\0')),
    cookie: data.toString('latin1', xmlBytes),
    xmlBytes,
  };
}

async function exactly(
  handle: FileHandle,
  position: number,
  count: number,
  file: string,
): Promise<Buffer> {
  const bytes = Buffer.alloc(count);
  const { bytesRead } = await handle.read(bytes, 0, count, position);
  if (bytesRead < count) throw new Error(`${file} ends within its header`);
  return bytes;
}
