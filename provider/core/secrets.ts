import { isObject, objectOf } from './json.js';

/** Properties that the service takes and never gives back. They are kept encrypted wherever they stand. */
const SECRET_NAMES: ReadonlySet<string> = new Set([
  'password',
  'accountKey',
  'sasKey',
  'sshPrivateKey',
  'protectedSettings',
]);
export const isSecretName = (name: string): boolean => SECRET_NAMES.has(name);

/** True where such a property stands anywhere inside. */
export function holdsSecret(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsSecret);
  return (
    isObject(value) &&
    Object.entries(value).some(([name, item]) => isSecretName(name) || holdsSecret(item))
  );
}

/**
 * What the service answered, with the secrets that were given before in their places: the two can then
 * be compared. Lists go by position.
 */
export function withSecretsOf(found: unknown, given: unknown): unknown {
  if (Array.isArray(found)) {
    const before = Array.isArray(given) ? given : [];
    return found.map((item, at) => withSecretsOf(item, before[at]));
  }
  if (!isObject(found)) return found;
  const before = objectOf(given);
  const secrets = Object.entries(before).filter(([name]) => isSecretName(name));
  const rest = Object.entries(found).map(([name, item]) => [
    name,
    withSecretsOf(item, before[name]),
  ]);
  return { ...Object.fromEntries(rest), ...Object.fromEntries(secrets) };
}
