import * as pulumi from '@pulumi/pulumi';
import { isSecretName } from '../core/secrets.js';
import { pointerTo, POINTER_PROPERTY, typeToken, type KindName } from '../dynamic/pointer.js';

interface Declaration {
  kind: KindName;
  className: string;
  /** Inputs that must be given, checked before anything else. */
  required: readonly string[];
  /** Outputs that the service computes. */
  computed: readonly string[];
  /** Inputs and outputs that are kept encrypted. */
  secret: readonly string[];
}

/** What all resources of this package are made of: a custom resource whose state points at impl.ts. */
export abstract class BatchyardResource extends pulumi.CustomResource {
  protected constructor(
    declaration: Declaration,
    name: string,
    args: object,
    hidden: object,
    options?: pulumi.CustomResourceOptions,
  ) {
    const { kind, className, required, computed, secret } = declaration;
    const given: Record<string, unknown> = { ...args };
    for (const property of required)
      if (given[property] === undefined && options?.id === undefined)
        throw new Error(`${className} "${name}": ${property} is required`);
    for (const property of [...secret, 'connection'])
      if (given[property] !== undefined) given[property] = pulumi.secret(given[property]);
    const inputs = Object.fromEntries(
      Object.entries(given).map(([property, value]) => [property, guarded(value)]),
    );
    const outputs = Object.fromEntries(computed.map((property) => [property, undefined]));
    super(
      typeToken(className),
      name,
      { ...outputs, ...inputs, ...hidden, [POINTER_PROPERTY]: pointerTo(kind) },
      pulumi.mergeOptions(options, { additionalSecretOutputs: [...secret, 'connection'] }),
    );
  }
}

/** Passwords and keys become secret wherever they stand, also where the program gives plain text. */
function guarded(value: unknown): unknown {
  if (pulumi.Output.isInstance(value) || value instanceof Promise)
    return pulumi.output(value).apply(guarded);
  if (Array.isArray(value)) return value.map(guarded);
  if (typeof value !== 'object' || value === null) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]: [string, unknown]) => [
      name,
      isSecretName(name) ? pulumi.secret(item) : guarded(item),
    ]),
  );
}

/** The mark by which a create that is repeated knows what it made: `project/stack/name`. */
export const owner = (name: string) => ({
  owner: `${pulumi.getProject()}/${pulumi.getStack()}/${name}`,
});
