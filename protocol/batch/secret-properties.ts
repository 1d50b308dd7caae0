/** Names of properties that the service takes and never gives back (the contract's sections 1.8 and 4). */
export const SECRET_PROPERTIES: ReadonlySet<string> = new Set([
  'password',
  'accountKey',
  'sasKey',
  'sshPrivateKey',
  'protectedSettings',
]);

/** Free-form objects of the user's own: nothing in them is ours to judge. */
export const OPAQUE_PROPERTIES: ReadonlySet<string> = new Set(['settings']);
