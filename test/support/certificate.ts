import forge from 'node-forge';

export interface Certificate {
  /** SHA-1, lower-case hexadecimal. */
  thumbprint: string;
  /** Base64 of the DER form. */
  cer: string;
  /** Base64 of a PKCS #12 file under this password. */
  pfx(password: string): string;
}

/** A self-signed certificate of an hour. */
export function makeCertificate(name: string): Certificate {
  const keys = forge.pki.rsa.generateKeyPair(2048);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = keys.publicKey;
  certificate.serialNumber = '01';
  certificate.validity.notBefore = new Date(Date.now() - 3_600_000);
  certificate.validity.notAfter = new Date(Date.now() + 3_600_000);
  certificate.setSubject([{ name: 'commonName', value: name }]);
  certificate.setIssuer([{ name: 'commonName', value: name }]);
  certificate.sign(keys.privateKey, forge.md.sha256.create());
  const der = forge.asn1.toDer(forge.pki.certificateToAsn1(certificate)).getBytes();
  const pack = (password: string, algorithm: 'aes256' | '3des') =>
    forge.pkcs12.toPkcs12Asn1(keys.privateKey, [certificate], password, { algorithm });
  return {
    thumbprint: forge.md.sha1.create().update(der).digest().toHex(),
    cer: forge.util.encode64(der),
    pfx: (password) => forge.util.encode64(forge.asn1.toDer(pack(password, 'aes256')).getBytes()),
  };
}
