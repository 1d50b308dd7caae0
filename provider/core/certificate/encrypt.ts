import forge from 'node-forge';

/**
 * CMS enveloped data (PEM) that only the holder of the certificate's private key can open:
 * `openssl cms -decrypt -inform PEM -inkey key.pem -recip cert.pem`.
 */
export function encryptFor(certificatePem: string, text: string): string {
  const message = forge.pkcs7.createEnvelopedData();
  message.addRecipient(forge.pki.certificateFromPem(certificatePem));
  message.content = forge.util.createBuffer(text, 'utf8');
  message.encrypt();
  const der = forge.asn1.toDer(message.toAsn1()).getBytes();
  return forge.pem.encode({ type: 'CMS', body: der }).replace(/\r\n/g, '\n');
}
