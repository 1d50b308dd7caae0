import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  /** As it stands in the archive, whatever it may lead to. */
  name: string;
  content?: string | Buffer;
  /** A whole Unix mode, type included; 0: an archive of a system without modes. */
  mode?: number;
  /** What the directory says the unpacked size is; by default the truth. */
  claimedSize?: number;
}

/** A zip file, made by hand so that a test can make bad ones too. */
export function makeZip(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content = '', mode = 0o100644, claimedSize } of entries) {
    const bytes = Buffer.from(content);
    const packed = deflateRawSync(bytes);
    const path = Buffer.from(name);
    // Version, flags (UTF-8), method (deflate), time, date, CRC, sizes, lengths of name and extra field.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x0800, 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(claimedSize ?? bytes.length, 18);
    common.writeUInt16LE(path.length, 22);
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004'), common, path, packed]);
    const attributes = Buffer.alloc(14);
    attributes.writeUInt32LE(mode * 0x10000, 6);
    attributes.writeUInt32LE(offset, 10);
    // Made by version 3.0 on Unix.
    const madeBy = Buffer.from([30, 3]);
    directory.push(
      Buffer.concat([Buffer.from('PK\u0001\u0002'), madeBy, common, attributes, path]),
    );
    locals.push(local);
    offset += local.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(list.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, list, Buffer.from('PK\u0005\u0006'), end]);
}
