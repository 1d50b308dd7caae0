import * as pulumi from '@pulumi/pulumi';
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
    const outputs = Object.fromEntries(computed.map((property) => [property, undefined]));
    super(
      typeToken(className),
      name,
      { ...outputs, ...given, ...hidden, [POINTER_PROPERTY]: pointerTo(kind) },
      pulumi.mergeOptions(options, { additionalSecretOutputs: [...secret, 'connection'] }),
    );
  }
}

/** The mark by which a create that is repeated knows what it made: `project/stack/name`. */
export const owner = (name: string) => ({
  owner: `${pulumi.getProject()}/${pulumi.getStack()}/${name}`,
});
