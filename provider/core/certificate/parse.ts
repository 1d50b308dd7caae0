import forge from 'node-forge';

export interface PublicPart {
  /** Lower-case hex of the SHA-1 of the DER. */
  thumbprint: string;
  certificatePem: string;
  /** ISO 8601. */
  expiryTime: string;
}

/** The certificate in a PFX or CER (DER or PEM). Throws with a text for the user that holds no data. */
export function publicPart(
  data: string,
  format: 'pfx' | 'cer',
  password: string | undefined,
): PublicPart {
  const bytes = Buffer.from(data, 'base64').toString('binary');
  return describe(
    format === 'pfx' ? certificateOfPfx(bytes, password ?? '') : certificateOfCer(bytes),
  );
}

export function describePem(pem: string): PublicPart {
  return describe(forge.pki.certificateFromPem(pem));
}

function describe(certificate: forge.pki.Certificate): PublicPart {
  const der = forge.asn1.toDer(forge.pki.certificateToAsn1(certificate)).getBytes();
  return {
    thumbprint: forge.md.sha1.create().update(der).digest().toHex(),
    certificatePem: forge.pki.certificateToPem(certificate).replace(/\r\n/g, '\n'),
    expiryTime: certificate.validity.notAfter.toISOString(),
  };
}

function certificateOfCer(bytes: string): forge.pki.Certificate {
  try {
    if (bytes.includes('-----BEGIN CERTIFICATE-----')) return forge.pki.certificateFromPem(bytes);
    return forge.pki.certificateFromAsn1(forge.asn1.fromDer(bytes));
  } catch (error) {
    throw new Error('is not a certificate (Base64 of DER or PEM)', { cause: error });
  }
}

function certificateOfPfx(bytes: string, password: string): forge.pki.Certificate {
  const bags = openPfx(bytes, password);
  const leaf = bags.find((bag) => bag.cert !== undefined)?.cert;
  if (!leaf) throw new Error('is a PFX without a certificate');
  return leaf;
}

function openPfx(bytes: string, password: string): forge.pkcs12.Bag[] {
  let asn1;
  try {
    asn1 = forge.asn1.fromDer(bytes);
  } catch (error) {
    throw new Error('is not a PFX (Base64 of PKCS #12)', { cause: error });
  }
  try {
    const bagType = forge.pki.oids.certBag ?? '';
    return forge.pkcs12.pkcs12FromAsn1(asn1, password).getBags({ bagType })[bagType] ?? [];
  } catch (error) {
    throw new Error('is a PFX that the password does not open', { cause: error });
  }
}
