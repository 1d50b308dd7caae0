import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ConfigurationError } from './failure.js';

/** The configured certificate and key, or ConfigurationError where they aren't one. */
export function readTls(tls: { certificateFile: string; keyFile: string }): {
  certificatePem: string;
  keyPem: string;
} {
  const certificatePem = read('certificateFile', tls.certificateFile);
  const keyPem = read('keyFile', tls.keyFile);
  try {
    createSecureContext({ cert: certificatePem, key: keyPem });
  } catch (error) {
    throw new ConfigurationError(
      `tls: ${tls.certificateFile} and ${tls.keyFile} are not a certificate and its key, allowed is PEM`,
      { cause: error },
    );
  }
  return { certificatePem, keyPem };
}

function read(key: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigurationError(`tls (${key}): ${file} can't be read`, { cause: error });
  }
}
