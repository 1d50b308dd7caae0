/** Enough of XML to write domains and to read back what was written into their metadata. */

export type XmlAttributes = Readonly<Record<string, string | number | undefined>>;

/** Makes an element; children are elements made here, text comes in through `text`. */
export function element(
  name: string,
  attributes: XmlAttributes = {},
  ...children: string[]
): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}='${text(String(value))}'`)
    .join('');
  return children.length === 0
    ? `<${name}${written}/>`
    : `<${name}${written}>${children.join('')}</${name}>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&apos;',
  '"': '&quot;',
};
const CHARACTERS = new Map(
  Object.entries(ENTITIES).map(([character, entity]) => [entity, character]),
);

/** Escapes for element content and attribute values alike. Throws for what XML 1.0 can't hold. */
export function text(value: string): string {
  // What XML 1.0 forbids.
  const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.exec(value);
  if (forbidden !== null) {
    const code = forbidden[0].charCodeAt(0).toString(16).padStart(4, '0');
    throw new Error(
      `${JSON.stringify(value.slice(0, 80))} holds U+${code}, which XML has no way to write`,
    );
  }
  return value.replace(/[&<>'"]/g, (character) => ENTITIES[character] ?? character);
}

/** The attributes of the first element of that name, unescaped; undefined: there is none. */
export function attributesOf(xml: string, name: string): Record<string, string> | undefined {
  const start = new RegExp(
    `<${name.replace(/[^\w:-]/g, '')}((?:\\s+[\\w:.-]+=(?:'[^']*'|"[^"]*"))*)\\s*/?>`,
  ).exec(xml);
  if (start === null) return undefined;
  const found: Record<string, string> = {};
  for (const match of (start[1] ?? '').matchAll(/([\w:.-]+)=(?:'([^']*)'|"([^"]*)")/g)) {
    if (match[1] !== undefined) found[match[1]] = unescape(match[2] ?? match[3] ?? '');
  }
  return found;
}

function unescape(value: string): string {
  return value.replace(
    /&(?:amp|lt|gt|apos|quot|#(\d+)|#x([0-9a-fA-F]+));/g,
    (entity, decimal?: string, hex?: string) => {
      if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      return CHARACTERS.get(entity) ?? entity;
    },
  );
}
