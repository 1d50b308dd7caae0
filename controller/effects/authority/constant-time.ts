import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares secrets in a time that tells nothing of them, their length included. */
export function equalSecrets(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text, 'utf8').digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

/** SHA-256 in hex: how the controller remembers the secret of an agent. */
export const hashSecret = (secret: string) =>
  createHash('sha256').update(secret, 'utf8').digest('hex');
