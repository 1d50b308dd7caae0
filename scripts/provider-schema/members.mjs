// From TypeScript's types to the types of Pulumi's package schema.
import ts from 'typescript';

/**
 * Collects the object and enum types that properties need.
 * @param {ts.TypeChecker} checker
 * @param {{prefix: string, isSecretName: (name: string) => boolean, taken: ReadonlySet<string>}} options
 *   `taken`: names of resources, which no type may have
 */
export function memberReader(checker, { prefix, isSecretName, taken }) {
  /** @type {Record<string, object>} */
  const types = {};
  const sources = new Map();

  /** All properties of an object type, and the names of those that must be given. */
  function membersOf(type, owner) {
    const properties = {};
    const required = [];
    for (const symbol of checker.getPropertiesOfType(type)) {
      const name = symbol.getName();
      properties[name] = {
        ...memberOf(checker.getTypeOfSymbol(symbol), placeOf(symbol) ?? owner + capital(name)),
        ...description(symbol),
        ...(isSecretName(name) && { secret: true }),
      };
      if (!(symbol.flags & ts.SymbolFlags.Optional)) required.push(name);
    }
    return { properties, ...(required.length > 0 && { required: required.sort() }) };
  }

  /** One value, inside of `Input`, `Output` and `undefined`. `path` names types that have no name. */
  function memberOf(wrapped, path) {
    const type = bare(wrapped);
    if (type.flags & ts.TypeFlags.String) return { type: 'string' };
    if (type.flags & ts.TypeFlags.Number) return { type: 'integer' };
    if (type.flags & (ts.TypeFlags.Boolean | ts.TypeFlags.BooleanLiteral))
      return { type: 'boolean' };
    const literals = literalsOf(type);
    if (literals) return reference(enumType(path, literals));
    if (checker.isArrayType(type)) {
      const [item] = checker.getTypeArguments(type);
      return { type: 'array', items: memberOf(item, path) };
    }
    const values = checker.getIndexTypeOfType(type, ts.IndexKind.String);
    if (values) return { type: 'object', additionalProperties: memberOf(values, path) };
    if (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection))
      return reference(objectType(type, path));
    throw new Error(`${path}: ${checker.typeToString(wrapped)} has no place in a schema`);
  }

  function bare(type) {
    const parts = type.isUnion() ? type.types : type.isIntersection() ? type.types : [type];
    const output = parts.find((part) => part.symbol?.getName() === 'OutputInstance');
    if (output) return bare(checker.getTypeArguments(output)[0]);
    return checker.getNonNullableType(type);
  }

  function objectType(type, path) {
    const { symbol } = type;
    const declared = type.flags & ts.TypeFlags.Object && isInterface(symbol);
    const name = declared ? shortName(symbol.getName()) : (placeOf(symbol) ?? path);
    if (sources.has(name) && sources.get(name) !== type)
      throw new Error(`two types would be called ${name}`);
    if (!sources.has(name)) {
      sources.set(name, type); // A type that holds itself ends here.
      types[name] = {
        ...(declared && description(symbol)),
        type: 'object',
        ...membersOf(type, name),
      };
    }
    return name;
  }

  /** `TaskArgs` → `Task`, unless that is a resource. */
  function shortName(name) {
    const short = name.replace(/Args$/, '');
    return taken.has(short) ? `${short}Spec` : short;
  }

  function enumType(name, literals) {
    types[name] = {
      type: typeof literals[0] === 'number' ? 'integer' : 'string',
      enum: literals.map((value) =>
        typeof value === 'number' ? { name: `Size${value}`, value } : { value },
      ),
    };
    return name;
  }

  const reference = (name) => ({ $ref: `#/types/${prefix}${name}` });
  const description = (symbol) => {
    const text = ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim();
    return text === '' ? {} : { description: text };
  };
  return { membersOf, memberOf, description, types };
}

/** `PoolScaleSettingsMode` for what stands in `mode: …` in `scaleSettings: {…}` of PoolArgs. */
function placeOf(symbol) {
  const names = [];
  for (let node = symbol?.declarations?.[0]; node; node = node.parent) {
    if (ts.isPropertySignature(node)) names.unshift(capital(node.name.getText()));
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node))
      return [node.name.getText().replace(/Args$/, ''), ...names].join('');
  }
  return undefined;
}

function literalsOf(type) {
  const parts = type.isUnion() ? type.types : [type];
  return parts.every((part) => part.isStringLiteral() || part.isNumberLiteral())
    ? parts.map(({ value }) => value)
    : undefined;
}

const isInterface = (symbol) => symbol?.declarations?.some(ts.isInterfaceDeclaration) === true;
const capital = (name) => name.charAt(0).toUpperCase() + name.slice(1);
