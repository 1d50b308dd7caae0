import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import forge from 'node-forge';

const DAY_MS = 86_400_000;
/** Clocks of nodes may be a little behind. */
const BACKDATE_MS = 3_600_000;

export interface SelfSigned {
  privateKeyPem: string;
  /** Base64 of the PFX (PKCS #12, AES-256): certificate and private key. */
  pfxData: string;
  pfxPassword: string;
  certificatePem: string;
}

/** A fresh RSA key and a certificate that it signs itself. */
export async function makeSelfSigned(
  wish: { commonName: string; validityDays: number; keyBits: number },
  now: number,
): Promise<SelfSigned> {
  // Node's generator works off the event loop; forge would block every other resource for seconds.
  const pair = await promisify(generateKeyPair)('rsa', {
    modulusLength: wish.keyBits,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const key = forge.pki.privateKeyFromPem(pair.privateKey);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(pair.publicKey);
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`;
  certificate.validity.notBefore = new Date(now - BACKDATE_MS);
  certificate.validity.notAfter = new Date(now + wish.validityDays * DAY_MS);
  const name = [{ name: 'commonName', value: wish.commonName }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, dataEncipherment: true },
  ]);
  certificate.sign(key, forge.md.sha256.create());
  const pfxPassword = randomBytes(24).toString('base64url');
  const pfx = forge.pkcs12.toPkcs12Asn1(key, [certificate], pfxPassword, {
    algorithm: 'aes256',
    friendlyName: wish.commonName,
  });
  return {
    privateKeyPem: pair.privateKey,
    pfxData: forge.util.encode64(forge.asn1.toDer(pfx).getBytes()),
    pfxPassword,
    certificatePem: forge.pki.certificateToPem(certificate).replace(/\r\n/g, '\n'),
  };
}
