/**
 * Signed URLs of the controller's own storage, in the manner of Azure's SAS:
 *   se  expiry, ISO 8601        sp  permissions out of r, w, d, l
 *   sr  b: this blob, c: the container and every blob in it        sig  HMAC
 */
export interface SignedTerms {
  account: string;
  container: string;
  /** Absent for a signature of the container. */
  blob?: string;
  permissions: string;
  /** ISO 8601. */
  expiry: string;
}

/** The account's and container's names are compared without case, the blob's with. */
export function textToSign(terms: SignedTerms): string {
  return [
    'storage url 1',
    terms.account.toLowerCase(),
    terms.container.toLowerCase(),
    terms.blob === undefined ? 'c' : 'b',
    terms.blob ?? '',
    terms.permissions,
    terms.expiry,
  ].join('\n');
}

/** The query of a signed URL, without question mark. */
export function signedQuery(terms: SignedTerms, sign: (text: string) => string): string {
  return new URLSearchParams({
    se: terms.expiry,
    sp: terms.permissions,
    sr: terms.blob === undefined ? 'c' : 'b',
    sig: sign(textToSign(terms)),
  }).toString();
}
