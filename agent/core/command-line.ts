/** What is wrong with a command line; the text names the place. */
export class CommandLineError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CommandLineError';
  }
}

/**
 * Splits a command line into its arguments as Azure Batch does on Linux nodes: there is no shell, so
 * nothing is expanded, redirected or chained.
 *
 * White space separates. Single quotes keep everything up to the next one. Inside double quotes a
 * backslash stands before `"` or `\` and is itself otherwise; outside of quotes it takes the next
 * character as it is. Throws CommandLineError for an empty line and for a quote or backslash that
 * nothing follows.
 */
export function splitCommandLine(commandLine: string): string[] {
  const parts: string[] = [];
  let part: string | undefined;
  let position = 0;
  while (position < commandLine.length) {
    const character = commandLine.charAt(position);
    if (/\s/.test(character)) {
      if (part !== undefined) parts.push(part);
      part = undefined;
      position += 1;
    } else if (character === "'" || character === '"') {
      const quoted =
        character === "'"
          ? singleQuoted(commandLine, position)
          : doubleQuoted(commandLine, position);
      part = (part ?? '') + quoted.text;
      position = quoted.next;
    } else if (character === '\\') {
      if (position + 1 === commandLine.length) {
        throw new CommandLineError(
          'The command line ends with a backslash; a character must follow it.',
        );
      }
      part = (part ?? '') + commandLine.charAt(position + 1);
      position += 2;
    } else {
      part = (part ?? '') + character;
      position += 1;
    }
  }
  if (part !== undefined) parts.push(part);
  if (parts.length === 0 || parts[0] === '') {
    throw new CommandLineError('The command line names no program.');
  }
  if (parts.some((text) => text.includes('\0'))) {
    throw new CommandLineError('The command line contains a NUL character.');
  }
  return parts;
}

function singleQuoted(commandLine: string, start: number): { text: string; next: number } {
  const end = commandLine.indexOf("'", start + 1);
  if (end < 0) throw unbalanced("'", start);
  return { text: commandLine.slice(start + 1, end), next: end + 1 };
}

function doubleQuoted(commandLine: string, start: number): { text: string; next: number } {
  let text = '';
  for (let position = start + 1; position < commandLine.length; position += 1) {
    const character = commandLine.charAt(position);
    if (character === '"') return { text, next: position + 1 };
    const following = commandLine.charAt(position + 1);
    if (character === '\\' && (following === '"' || following === '\\')) {
      text += following;
      position += 1;
    } else {
      text += character;
    }
  }
  throw unbalanced('"', start);
}

function unbalanced(quote: string, start: number): CommandLineError {
  return new CommandLineError(
    `The command line has unbalanced quotes: the ${quote} at position ${start + 1} is never closed.`,
  );
}
