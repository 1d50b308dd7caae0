import forge from 'node-forge';
import type { CertificateAdd } from '../../../protocol/batch/certificate.js';
import { BatchError } from '../../../protocol/batch/errors.js';

/** Key derivation beyond this would hold up every other request; tools use 2,000 to 600,000 rounds. */
const ITERATIONS_MAX = 1_000_000;
const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/;

const refuse = (property: 'data' | 'password' | 'thumbprint', reason: string) =>
  new BatchError(
    'InvalidPropertyValue',
    [
      { key: 'PropertyName', value: property },
      { key: 'PropertyValue', value: '(not shown)' },
      { key: 'Reason', value: reason },
    ],
    `The value of ${property} is invalid: ${reason}`,
  );

function parse(bytes: string): forge.asn1.Asn1 {
  try {
    return forge.asn1.fromDer(bytes);
  } catch {
    throw refuse('data', 'It is not DER-encoded.');
  }
}

/** The largest number in a structure, the ones inside octet strings included. */
function largestNumber(node: forge.asn1.Asn1, depth = 0): number {
  if (depth > 32) return 0;
  if (Array.isArray(node.value))
    return node.value.reduce((most, inner) => Math.max(most, largestNumber(inner, depth + 1)), 0);
  if (node.type === forge.asn1.Type.INTEGER && node.value.length <= 6)
    return parseInt(forge.util.bytesToHex(node.value) || '0', 16);
  if (node.type !== forge.asn1.Type.OCTETSTRING || node.value.length < 8) return 0;
  try {
    return largestNumber(forge.asn1.fromDer(node.value), depth + 1);
  } catch {
    // Plain or encrypted bytes: no structure inside.
    return 0;
  }
}

/** DER of every certificate in a PFX that the password opens. */
function certificatesOfPfx(bytes: string, password: string): string[] {
  const asn1 = parse(bytes);
  if (largestNumber(asn1) > ITERATIONS_MAX)
    throw refuse('data', `It asks for more than ${ITERATIONS_MAX} rounds of key derivation.`);
  let pfx: forge.pkcs12.Pkcs12Pfx;
  try {
    pfx = forge.pkcs12.pkcs12FromAsn1(asn1, false, password);
  } catch (cause) {
    const wrongPassword = cause instanceof Error && /password|MAC/i.test(cause.message);
    throw wrongPassword
      ? refuse('password', 'It does not open the PFX.')
      : refuse('data', 'It is not a PFX that can be read.');
  }
  const type = forge.pki.oids['certBag'] ?? '';
  return (pfx.getBags({ bagType: type })[type] ?? []).flatMap((bag) => {
    const certificate = bag.cert ? forge.pki.certificateToAsn1(bag.cert) : bag.asn1;
    return [forge.asn1.toDer(certificate).getBytes()];
  });
}

function certificateOfCer(bytes: string): string {
  const pem = PEM.exec(bytes)?.[1];
  const der = pem === undefined ? bytes : forge.util.decode64(pem.replace(/\s/g, ''));
  const outer = parse(der);
  const shape = Array.isArray(outer.value) && outer.value.length === 3;
  if (!shape) throw refuse('data', 'It is not an X.509 certificate.');
  return der;
}

const thumbprintOf = (der: string): string => forge.md.sha1.create().update(der).digest().toHex();

/**
 * The public part (base64 of its DER) of the certificate that has the thumbprint the caller names.
 * @throws BatchError InvalidPropertyValue for data, password or thumbprint.
 */
export function publicDataOf(certificate: CertificateAdd): string {
  const bytes = forge.util.decode64(certificate.data);
  const found =
    certificate.certificateFormat === 'cer'
      ? [certificateOfCer(bytes)]
      : certificatesOfPfx(bytes, certificate.password ?? '');
  const wanted = certificate.thumbprint.toLowerCase();
  const match = found.find((der) => thumbprintOf(der) === wanted);
  if (match !== undefined) return forge.util.encode64(match);
  throw refuse('thumbprint', `The data holds no certificate with the SHA-1 thumbprint ${wanted}.`);
}
