import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REFERENCE_FOLDER, referencePages } from '../../scripts/provider-reference.mjs';
import { SCHEMA_FILE, type Schema } from '../../scripts/provider-schema.mjs';

interface Described {
  $ref?: string;
  description?: string;
  items?: Described;
  properties?: Record<string, Described>;
}
const schema = JSON.parse(readFileSync(SCHEMA_FILE, 'utf8')) as Schema & {
  resources: Record<string, { inputProperties: Record<string, Described> }>;
  types: Record<string, Described>;
};

describe('docs/reference', () => {
  it('is what node scripts/provider-reference.mjs makes of the schema and the component', () => {
    const pages = referencePages(schema);
    expect(readdirSync(REFERENCE_FOLDER).sort()).toEqual([...pages.keys()].sort());
    for (const [name, text] of pages)
      expect(readFileSync(join(REFERENCE_FOLDER, name), 'utf8'), name).toBe(text);
  });
  it('says something of every input, however deep it stands', () => {
    const silent: string[] = [];
    const seen = new Set<string>();
    const look = (place: string, properties: Record<string, Described> = {}): void => {
      for (const [name, one] of Object.entries(properties)) {
        if (one.description === undefined) silent.push(`${place}.${name}`);
        const token = (one.$ref ?? one.items?.$ref)?.replace('#/types/', '');
        if (token === undefined || seen.has(token)) continue;
        seen.add(token);
        look(token, schema.types[token]?.properties);
      }
    };
    for (const [token, { inputProperties }] of Object.entries(schema.resources))
      look(token, inputProperties);
    expect(seen.size).toBeGreaterThan(50);
    expect(silent).toEqual([]);
  });
});
