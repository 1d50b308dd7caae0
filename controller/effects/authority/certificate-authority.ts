import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import forge from 'node-forge';
import { readPrivateFile, writePrivateFile } from './private-file.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const CA_DAYS = 3650;
/** Browsers and Apple's TLS refuse longer ones. */
const SERVER_DAYS = 397;
const RENEW_BEFORE_DAYS = 30;
const SUBJECT_ALT_DNS = 2;
const SUBJECT_ALT_IP = 7;

export interface ServerCertificate {
  certificatePem: string;
  keyPem: string;
}

/** A controller's own CA: `DIR/ca.pem` is for clients and nodes to trust, `DIR/ca.key` never leaves. */
export class CertificateAuthority {
  private constructor(
    readonly caFile: string,
    readonly caPem: string,
    private readonly caKeyPem: string,
    private readonly dataDirectory: string,
  ) {}

  /** Reads the CA of the folder, or makes one. `now` is epoch milliseconds. */
  static open(dataDirectory: string, now: number): CertificateAuthority {
    const [caFile, keyFile] = [join(dataDirectory, 'ca.pem'), join(dataDirectory, 'ca.key')];
    const caPem = readPrivateFile(caFile)?.toString('utf8');
    const keyPem = readPrivateFile(keyFile)?.toString('utf8');
    if (caPem !== undefined && keyPem !== undefined) {
      return new CertificateAuthority(caFile, caPem, keyPem, dataDirectory);
    }
    const made = makeCa(now);
    writePrivateFile(keyFile, made.keyPem);
    writePrivateFile(caFile, made.certificatePem);
    return new CertificateAuthority(caFile, made.certificatePem, made.keyPem, dataDirectory);
  }

  /**
   * A server certificate for `names` (host names and addresses), kept in the folder and made anew
   * when the names differ or its end is near.
   */
  serverCertificate(names: readonly string[], now: number): ServerCertificate {
    const file = join(this.dataDirectory, 'server.pem');
    const kept = readPrivateFile(file)?.toString('utf8');
    const split = kept?.indexOf('-----BEGIN PRIVATE KEY-----') ?? -1;
    if (kept !== undefined && split > 0) {
      const pair = { certificatePem: kept.slice(0, split), keyPem: kept.slice(split) };
      if (this.stillGood(pair.certificatePem, names, now)) return pair;
    }
    const made = this.makeServer(names, now);
    writePrivateFile(file, made.certificatePem + made.keyPem);
    return made;
  }

  private stillGood(certificatePem: string, names: readonly string[], now: number): boolean {
    const certificate = forge.pki.certificateFromPem(certificatePem);
    const extension = certificate.getExtension('subjectAltName') as
      { altNames?: { value?: string; ip?: string }[] } | null | undefined;
    const covered = new Set((extension?.altNames ?? []).map((name) => name.ip ?? name.value));
    const issuedByUs = forge.pki.certificateFromPem(this.caPem).verify(certificate);
    const endsLater = certificate.validity.notAfter.getTime() - now > RENEW_BEFORE_DAYS * DAY_MS;
    return issuedByUs && endsLater && names.every((name) => covered.has(name));
  }

  private makeServer(names: readonly string[], now: number): ServerCertificate {
    const ca = forge.pki.certificateFromPem(this.caPem);
    const { certificate, keyPem } = draft('batchyard controller', SERVER_DAYS, now);
    certificate.setIssuer(ca.subject.attributes);
    certificate.setExtensions([
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: names.map((name) =>
          isIP(name) === 0
            ? { type: SUBJECT_ALT_DNS, value: name }
            : { type: SUBJECT_ALT_IP, ip: name },
        ),
      },
    ]);
    certificate.sign(forge.pki.privateKeyFromPem(this.caKeyPem), forge.md.sha256.create());
    return { certificatePem: forge.pki.certificateToPem(certificate), keyPem };
  }
}

function makeCa(now: number): ServerCertificate {
  // A name of its own for each CA, so that two controllers' CAs in one trust store don't mix.
  const name = `batchyard CA ${randomBytes(4).toString('hex')}`;
  const { certificate, keyPem } = draft(name, CA_DAYS, now);
  certificate.setIssuer(certificate.subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(keyPem), forge.md.sha256.create());
  return { certificatePem: forge.pki.certificateToPem(certificate), keyPem };
}

function draft(commonName: string, days: number, now: number) {
  const keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(keys.publicKey);
  // A positive number: the first hex digit below 8.
  certificate.serialNumber = `0${randomBytes(16).toString('hex').slice(1)}`;
  certificate.validity.notBefore = new Date(now - DAY_MS);
  certificate.validity.notAfter = new Date(now + days * DAY_MS);
  certificate.setSubject([{ name: 'commonName', value: commonName }]);
  return { certificate, keyPem: keys.privateKey };
}
