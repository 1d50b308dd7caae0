import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { PROCESS_IMAGE, VM_SIZES } from './catalogue.js';
import { ConfigurationError } from './failure.js';
import { readManifests } from './image-manifest.js';
import { KEY_FORMS, flagOf, variableOf } from './keys.js';
import type { KeyForm } from './keys.js';
import { ConfigurationSchema } from './schema.js';
import type { Configuration, Image, VmSize } from './schema.js';

/** Values of flags by key: text, or texts of a repeatable flag. */
export type FlagValues = Partial<Record<string, string | string[]>>;
export type Environment = Readonly<Record<string, string | undefined>>;

/** Keys whose values are secret: an error names the key, never the value. */
const SECRET = new Set(['accounts', 'adminToken']);
/** Secret parts of other keys. */
const SECRET_PARTS = ['secretAccessKey', 'accountKey'];
const CONFIG_FILE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * One checked configuration from flags, environment (`BATCHYARD_…`) and the file that `config`
 * names; the first of these that has a key wins. Throws ConfigurationError for anything wrong.
 */
export function loadConfiguration(flags: FlagValues, environment: Environment): Configuration {
  const file = flags['config'] ?? environment['BATCHYARD_CONFIG'];
  const merged: Record<string, unknown> = typeof file === 'string' ? readConfigFile(file) : {};
  const sources = new Map<string, string>();
  for (const key of Object.keys(merged)) sources.set(key, `${key} in ${String(file)}`);
  for (const form of KEY_FORMS) {
    const flag = flags[form.key];
    const variable = environment[variableOf(form)];
    if (flag !== undefined) {
      merged[form.key] = readText(form, flag, flagOf(form));
      sources.set(form.key, flagOf(form));
    } else if (variable !== undefined) {
      merged[form.key] = readText(form, variable, variableOf(form));
      sources.set(form.key, variableOf(form));
    }
  }
  if (merged['data'] === undefined) {
    throw new ConfigurationError(
      '--data is missing: name the folder that holds all state, such as --data ./batchyard-data',
    );
  }
  if ('images' in merged) merged['images'] = readManifests(merged['images']);
  return complete(check(merged, sources));
}

function readText(form: KeyForm, value: string | string[], source: string): unknown {
  if (form.form === 'text') return value;
  if (form.form === 'list')
    return typeof value === 'string' ? value.split(/[,\s]+/).filter(Boolean) : value;
  try {
    return parseYaml(String(value)) as unknown;
  } catch (error) {
    throw new ConfigurationError(`${source}: not YAML or JSON: ${firstLine(error)}`, {
      cause: error,
    });
  }
}

function readConfigFile(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigurationError(`--config ${file}: can't be read: ${firstLine(error)}`, {
      cause: error,
    });
  }
  if (text.length > CONFIG_FILE_BYTES_MAX) {
    throw new ConfigurationError(
      `--config ${file}: ${String(text.length)} bytes, allowed are ${String(CONFIG_FILE_BYTES_MAX)}`,
    );
  }
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (error) {
    throw new ConfigurationError(`--config ${file}: not YAML or JSON: ${firstLine(error)}`, {
      cause: error,
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigurationError(
      `--config ${file}: holds ${Array.isArray(value) ? 'a list' : String(value)}, allowed is an object of settings`,
    );
  }
  return { ...value };
}

function check(
  merged: Record<string, unknown>,
  sources: ReadonlyMap<string, string>,
): Configuration {
  const result = ConfigurationSchema.safeParse(merged);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue === undefined) throw new ConfigurationError('the configuration is not valid');
  if (issue.code === 'unrecognized_keys') {
    const holder = issue.path.join('.') || 'the configuration';
    const source = sources.get(String(issue.path[0] ?? issue.keys[0])) ?? holder;
    const keys = issue.path.length === 0 ? KEY_FORMS.map((form) => form.key).join(', ') : undefined;
    throw new ConfigurationError(
      `${source}: unknown key ${issue.keys.join(', ')}${issue.path.length > 0 ? ` in ${holder}` : ''}` +
        (keys === undefined ? '' : `, allowed are ${keys}`),
    );
  }
  const top = String(issue.path[0]);
  const value = issue.path.reduce<unknown>(
    (at, step) => (at as Record<PropertyKey, unknown> | undefined)?.[step],
    merged,
  );
  const below = issue.path.slice(1).join('.');
  throw new ConfigurationError(
    `${sources.get(top) ?? top}${below === '' ? '' : ` (${below})`}: ` +
      (SECRET.has(top) || mayHoldSecret(issue.path, value)
        ? 'the value is not valid'
        : `${JSON.stringify(value) ?? 'nothing'} is not valid`) +
      `: ${issue.message}`,
  );
}

function mayHoldSecret(path: readonly PropertyKey[], value: unknown): boolean {
  if (path[0] !== 'storage') return false;
  // All of it, or a whole object of it, may have a secret inside.
  return (
    SECRET_PARTS.includes(String(path.at(-1))) ||
    path.length === 1 ||
    (typeof value === 'object' && value !== null)
  );
}

/** Adds what is embedded and makes paths absolute, so that nothing depends on the working folder later. */
function complete(configuration: Configuration): Configuration {
  return {
    ...configuration,
    data: resolve(configuration.data),
    images: byName<Image>([PROCESS_IMAGE], configuration.images, imageName),
    vmSizes: byName<VmSize>(VM_SIZES, configuration.vmSizes, (size) => size.name),
  };
}

const imageName = (image: Image) =>
  [image.publisher, image.offer, image.sku, image.version].join('/').toLowerCase();

function byName<T>(
  embedded: readonly T[],
  configured: readonly T[],
  name: (item: T) => string,
): T[] {
  const all = new Map<string, T>();
  for (const item of [...embedded, ...configured]) all.set(name(item), item);
  return [...all.values()];
}

const firstLine = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
