import { DEFAULT_RESOURCE_GROUP } from './account-of.js';
import { sameMeaning, type Properties } from './json.js';
import type { DiffResult } from './kind.js';

/** What a changed input asks for. */
export type Rule = 'replace' | 'update';

/**
 * Compares what two sets of inputs mean: both sides are wire bodies with the service's defaults filled
 * in, so that spelling a default out is no change. `inputOf` names the input a wire property comes from.
 */
export function compare(
  before: Properties,
  after: Properties,
  rules: Readonly<Record<string, Rule>>,
  inputOf: (wireName: string) => string,
): { changed: string[]; replaces: string[] } {
  const changed = new Set<string>();
  const replaces = new Set<string>();
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (sameMeaning(name, before[name], after[name])) continue;
    changed.add(name);
    if ((rules[name] ?? 'replace') === 'replace') replaces.add(inputOf(name));
  }
  return { changed: [...changed], replaces: [...replaces] };
}

/** An id that stays the same leaves no room for the new object beside the old one. */
export function diffResult(
  changes: boolean,
  replaces: string[],
  idNames: readonly string[],
): DiffResult {
  return {
    changes: changes || replaces.length > 0,
    replaces,
    deleteBeforeReplace: replaces.length > 0 && !replaces.some((name) => idNames.includes(name)),
  };
}

/** The immutable inputs that differ; a resource group that is left out is the default one. */
export const replacedBy = (
  olds: Properties,
  news: Properties,
  immutable: readonly string[],
): string[] =>
  immutable.filter((name) => (news[name] ?? implied(name)) !== (olds[name] ?? implied(name)));

const implied = (name: string) =>
  name === 'resourceGroupName' ? DEFAULT_RESOURCE_GROUP : undefined;
