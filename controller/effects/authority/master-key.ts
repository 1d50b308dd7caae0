import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readPrivateFile, writePrivateFile } from './private-file.js';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** `batchyard-sealed:1:` then base64 of nonce, tag and ciphertext (AES-256-GCM). */
const SEALED_PREFIX = 'batchyard-sealed:1:';

/** Whether text is what `seal` makes. Data folders of the first versions hold secrets of pools as they came. */
export const isSealed = (text: string): boolean => text.startsWith(SEALED_PREFIX);

/**
 * The one secret of a data folder. Everything else that must be secret or unforgeable comes from it:
 * what is sealed in the database, tokens of nodes, signatures of storage URLs.
 */
export class MasterKey {
  private constructor(private readonly key: Buffer) {}

  /** Reads `DIR/master.key`, or makes it (mode 0600) in a folder that has none. */
  static open(dataDirectory: string): MasterKey {
    const path = join(dataDirectory, 'master.key');
    const existing = readPrivateFile(path);
    if (existing === undefined) {
      const key = randomBytes(KEY_BYTES);
      writePrivateFile(path, `${key.toString('base64')}\n`);
      return new MasterKey(key);
    }
    const key = Buffer.from(existing.toString('utf8').trim(), 'base64');
    if (key.length !== KEY_BYTES) {
      throw new Error(
        `${path}: holds ${String(key.length)} bytes, a master key has ${String(KEY_BYTES)}; restore it from a backup: nothing sealed with it can be read without it`,
      );
    }
    return new MasterKey(key);
  }

  /** Encrypts text for keeping in the database. */
  seal(text: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.derive('sealing'), nonce);
    cipher.setAAD(Buffer.from(SEALED_PREFIX));
    const encrypted = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return (
      SEALED_PREFIX + Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString('base64')
    );
  }

  /** What `seal` was given; throws if it was sealed with another key or changed since. */
  open(sealed: string): string {
    if (!isSealed(sealed)) {
      throw new Error(`not sealed text of a known version: it must begin with ${SEALED_PREFIX}`);
    }
    const bytes = Buffer.from(sealed.slice(SEALED_PREFIX.length), 'base64');
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
    if (tag.length !== TAG_BYTES) throw new Error('sealed text is cut short');
    const decipher = createDecipheriv('aes-256-gcm', this.derive('sealing'), nonce, {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(SEALED_PREFIX));
    decipher.setAuthTag(tag);
    const rest = bytes.subarray(NONCE_BYTES + TAG_BYTES);
    return Buffer.concat([decipher.update(rest), decipher.final()]).toString('utf8');
  }

  /** HMAC-SHA256 in base64url; `purpose` keeps the uses apart. */
  sign(purpose: string, text: string): string {
    return createHmac('sha256', this.derive(purpose)).update(text, 'utf8').digest('base64url');
  }

  private readonly derived = new Map<string, Buffer>();

  private derive(purpose: string): Buffer {
    const known = this.derived.get(purpose);
    if (known !== undefined) return known;
    const key = Buffer.from(hkdfSync('sha256', this.key, '', `batchyard ${purpose}`, KEY_BYTES));
    this.derived.set(purpose, key);
    return key;
  }
}
