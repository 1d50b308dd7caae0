import { isObject, type Properties } from './json.js';

/** A task-like input as the wire spells it: only the user's name differs (`userName`, `username`). */
export function programToWire(program: unknown): unknown {
  if (Array.isArray(program)) return program.map(programToWire);
  if (!isObject(program)) return program;
  return Object.fromEntries(
    Object.entries(program).map(([key, value]): [string, unknown] =>
      key === 'userIdentity' && isObject(value)
        ? [key, renamed(value, 'userName', 'username')]
        : [key, programToWire(value)],
    ),
  );
}

/** And back. */
export function programToInput(program: unknown): unknown {
  if (Array.isArray(program)) return program.map(programToInput);
  if (!isObject(program)) return program;
  return Object.fromEntries(
    Object.entries(program).map(([key, value]): [string, unknown] =>
      key === 'userIdentity' && isObject(value)
        ? [key, renamed(value, 'username', 'userName')]
        : [key, programToInput(value)],
    ),
  );
}

function renamed(value: Properties, from: string, to: string): Properties {
  const { [from]: kept, ...rest } = value;
  return kept === undefined ? rest : { ...rest, [to]: kept };
}
