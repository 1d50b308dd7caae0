/** A JSON object whose shape is another version's. Changed in place: it is a request's or an answer's own. */
export type Json = Record<string, unknown>;

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const objectAt = (json: Json, name: string): Json | undefined => {
  const value = json[name];
  return isJson(value) ? value : undefined;
};

export const objectsAt = (json: Json, name: string): Json[] => {
  const value = json[name];
  return Array.isArray(value) ? value.filter(isJson) : [];
};

/** Gives a property another name, and `change` another form; one that is there already stays. */
export function rename(
  json: Json,
  from: string,
  to: string,
  change: (value: unknown) => unknown = (value) => value,
): void {
  if (!(from in json)) return;
  const value = json[from];
  delete json[from];
  if (!(to in json)) json[to] = change(value);
}
