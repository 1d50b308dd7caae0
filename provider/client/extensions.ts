import { BatchServiceMappers } from '@azure/batch';

/** What the controller knows beyond Azure's API, by the client's name of the model. */
const EXTENSIONS: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  Schedule: { cronExpression: { name: 'String' }, timeZone: { name: 'String' } },
  NodePlacementConfiguration: {
    hypervisorLabels: { name: 'Dictionary', value: { type: { name: 'String' } } },
  },
};

/**
 * The client sends and reads only the properties that its own tables name, and drops all others without
 * a word: this adds ours to them. It counts for this process alone.
 */
export function knowExtensions(): void {
  const mappers = BatchServiceMappers as unknown as Record<
    string,
    { type: { modelProperties: Record<string, object> } } | undefined
  >;
  for (const [model, properties] of Object.entries(EXTENSIONS))
    for (const [name, type] of Object.entries(properties)) {
      const mapper = mappers[model];
      if (mapper === undefined) throw new Error(`@azure/batch has no model ${model}`);
      mapper.type.modelProperties[name] = { serializedName: name, type };
    }
}
