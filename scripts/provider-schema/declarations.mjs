// What the resource classes say about themselves in their constructors.
import ts from 'typescript';

/** The classes of dynamic resources among the exports of a module. */
export function resourceClasses(checker, exported) {
  return exported.flatMap((symbol) => {
    const target = resolved(checker, symbol);
    const declaration = target.declarations?.find(ts.isClassDeclaration);
    if (!declaration || superclass(declaration) !== 'BatchyardResource') return [];
    const constructor = declaration.members.find(ts.isConstructorDeclaration);
    const [first, , , hidden] = superCall(constructor).arguments;
    return [
      {
        symbol: target,
        declared: literal(first),
        args: checker.getTypeAtLocation(constructor.parameters[1]),
        outputs: declaration.members.filter(ts.isPropertyDeclaration),
        hidden: hiddenInput(hidden),
      },
    ];
  });
}

/** The plain functions among them, with what they take and give. */
export function plainFunctions(checker, exported, names) {
  return names.map((name) => {
    const symbol = exported.find((one) => one.getName() === name);
    if (!symbol) throw new Error(`the package does not export the function ${name}`);
    const target = resolved(checker, symbol);
    const [signature] = checker.getTypeOfSymbol(target).getCallSignatures();
    const [result] = checker.getTypeArguments(signature.getReturnType());
    const [parameter] = signature.getParameters();
    return { name, symbol: target, args: checker.getTypeOfSymbol(parameter), result };
  });
}

const resolved = (checker, symbol) =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

const superclass = (declaration) =>
  declaration.heritageClauses?.[0]?.types[0]?.expression.getText();

function superCall(constructor) {
  for (const statement of constructor.body.statements)
    if (
      ts.isExpressionStatement(statement) &&
      ts.isCallExpression(statement.expression) &&
      statement.expression.expression.kind === ts.SyntaxKind.SuperKeyword
    )
      return statement.expression;
  throw new Error(`${constructor.parent.name.getText()}: its constructor calls no super`);
}

/** The value of a literal in the source. */
function literal(node) {
  if (ts.isStringLiteral(node)) return node.text;
  if (ts.isArrayLiteralExpression(node)) return node.elements.map(literal);
  if (ts.isObjectLiteralExpression(node))
    return Object.fromEntries(
      node.properties.map((one) => [one.name.getText(), literal(one.initializer)]),
    );
  throw new Error(`${node.getText()} is no literal`);
}

/** `owner(name)`, `{ workingDirectory: … }` or `{}`. */
function hiddenInput(node) {
  if (ts.isCallExpression(node)) return node.expression.getText();
  return node.properties[0]?.name?.getText();
}
