import { isObject } from './json.js';

/** Where the wire says `username`, inputs say `userName`, as Azure's own clients do. */
const HOLDERS = ['userIdentity', 'registry', 'containerRegistries', 'cifsMountConfiguration'];
/** Free-form objects of the user's own. */
const OPAQUE = ['settings', 'protectedSettings'];

/** Inputs of a task, or of anything that holds some, as the wire spells them. */
export const programToWire = (program: unknown): unknown =>
  renamed(program, 'userName', 'username', false);
/** And back. */
export const programToInput = (program: unknown): unknown =>
  renamed(program, 'username', 'userName', false);

function renamed(value: unknown, from: string, to: string, here: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, from, to, here));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]): [string, unknown] => [
      here && name === from ? to : name,
      OPAQUE.includes(name) ? item : renamed(item, from, to, HOLDERS.includes(name)),
    ]),
  );
}
