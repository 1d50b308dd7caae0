import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/**
 * Which test uses which operation, read from the tests themselves. Four things count as use:
 *   client.pool.stopResize(…)        the JavaScript client            → Pool_StopResize
 *   anything(…, 'GET', '/pools', …)  a raw request, by verb and path → Pool_List
 *   az('pool', 'create', …)          Azure's command line, by the table below
 *   client.pool.stop_resize(…)       Python, in a story beside the tests
 * and, where a test does it another way, a comment in it: `// covers Pool_Add, Pool_List`.
 */

/** Commands of az with the operations that they are made of. */
const AZ_COMMANDS = {
  'pool create': ['Pool_Add', 'Pool_Get'],
  'pool show': ['Pool_Get'],
  'pool list': ['Pool_List'],
  'pool set': ['Pool_Patch', 'Pool_Get'],
  'pool reset': ['Pool_UpdateProperties', 'Pool_Get'],
  'pool delete': ['Pool_Delete'],
  'pool resize': ['Pool_Resize'],
  'pool resize --abort': ['Pool_StopResize'],
  'pool autoscale enable': ['Pool_EnableAutoScale'],
  'pool autoscale disable': ['Pool_DisableAutoScale'],
  'pool autoscale evaluate': ['Pool_EvaluateAutoScale'],
  'pool node-counts list': ['Account_ListPoolNodeCounts'],
  'pool supported-images list': ['Account_ListSupportedImages'],
  'application summary list': ['Application_List'],
  'application summary show': ['Application_Get'],
  'certificate create': ['Certificate_Add', 'Certificate_Get'],
  'certificate show': ['Certificate_Get'],
  'certificate list': ['Certificate_List'],
  'certificate delete': ['Certificate_Delete'],
  'job create': ['Job_Add', 'Job_Get'],
  'job show': ['Job_Get'],
  'job list': ['Job_List'],
  'job set': ['Job_Patch', 'Job_Get'],
  'job reset': ['Job_Update', 'Job_Get'],
  'job enable': ['Job_Enable'],
  'job stop': ['Job_Terminate'],
  'job delete': ['Job_Delete'],
  'job task-counts show': ['Job_GetTaskCounts'],
  'task create --task-id': ['Task_Add', 'Task_Get'],
  'task create --json-file': ['Task_AddCollection'],
  'task show': ['Task_Get'],
  'task list': ['Task_List'],
  'task delete': ['Task_Delete'],
  'task stop': ['Task_Terminate'],
  'task reactivate': ['Task_Reactivate'],
  'task file list': ['File_ListFromTask'],
  'task file show': ['File_GetPropertiesFromTask'],
  'task file download': ['File_GetFromTask'],
  'task file delete': ['File_DeleteFromTask'],
  'node list': ['ComputeNode_List'],
  'node show': ['ComputeNode_Get'],
  'node delete': ['Pool_RemoveNodes'],
  'node scheduling disable': ['ComputeNode_DisableScheduling'],
  'node scheduling enable': ['ComputeNode_EnableScheduling'],
  'node file list': ['File_ListFromComputeNode'],
  'node file show': ['File_GetPropertiesFromComputeNode'],
  'node file download': ['File_GetFromComputeNode'],
  'node file delete': ['File_DeleteFromComputeNode'],
};

const upper = (name) => name.charAt(0).toUpperCase() + name.slice(1);
const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
/** Names of the clients' methods that are not the operations' own. */
const asOperation = (group, method) =>
  `${upper(group)}_${upper(method === 'deleteMethod' ? 'delete' : method)}`
    .replace(/(Of)?Next$/, '')
    .toLowerCase();

/** The operation that a verb and a path lead to; the literal path wins over one with ids. */
function operationAt(operations, method, path) {
  const steps = path.split('?', 1)[0];
  return operations.find((operation) => {
    if (operation.method !== method) return false;
    const source = operation.path
      .replace(/[.()]/g, '\\$&')
      .replace(/\{(\w+)\}/g, (_, name) => (name === 'filePath' ? '.+' : '[^/]+?'));
    return new RegExp(`^${source}$`).test(steps);
  })?.id;
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);

/** A string as far as it is known: constants of the file are put in, all else is an `x`. */
function textOf(node, constants) {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isIdentifier(node))
    return constants?.findLast(({ name, pos }) => name === node.text && pos < node.pos)?.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  const spans = node.templateSpans.map(
    ({ expression, literal }) => `${textOf(expression, constants) || 'x'}${literal.text}`,
  );
  return node.head.text + spans.join('');
}

/** Every `const name = '…'` of the file; of several with a name the last one before its use counts. */
function constantsOf(source) {
  const constants = [];
  const visit = (node) => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer) {
      const text = textOf(node.initializer, constants);
      if (text !== undefined) constants.push({ name: node.name.text, pos: node.pos, text });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return constants;
}

/** The title where the call is a test or a group of tests. */
function titleOf(call) {
  let callee = call.expression;
  while (ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee))
    callee = callee.expression;
  if (!ts.isIdentifier(callee) || !['it', 'test', 'describe', 'suite'].includes(callee.text))
    return undefined;
  return call.arguments[0] === undefined ? undefined : textOf(call.arguments[0]);
}

function azOperations(call) {
  const words = call.arguments.map((one) => textOf(one)).filter((word) => word !== undefined);
  const verb = words.findIndex((word) => word.startsWith('-'));
  const command = (verb < 0 ? words : words.slice(0, verb)).join(' ');
  const flagged = words.map((word) => AZ_COMMANDS[`${command} ${word}`]).find((ids) => ids);
  return flagged ?? AZ_COMMANDS[command] ?? [];
}

function operationsOfCall(call, operations, constants) {
  const callee = call.expression;
  if (ts.isIdentifier(callee)) {
    if (callee.text === 'az' || callee.text === 'ended') return azOperations(call);
    const texts = call.arguments.map((one) => textOf(one, constants));
    const verb = texts.findIndex((text) => METHODS.has(text));
    const path = texts[verb + 1];
    if (verb < 0 || path?.startsWith('/') !== true) return [];
    return [operationAt(operations, texts[verb], path)];
  }
  if (!ts.isPropertyAccessExpression(callee)) return [];
  if (!ts.isPropertyAccessExpression(callee.expression)) return [];
  const wanted = asOperation(callee.expression.name.text, callee.name.text);
  return [operations.find(({ id }) => id.toLowerCase() === wanted)?.id];
}

function readTypeScript(file, text, operations, found) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const constants = constantsOf(source);
  const tests = [];
  const visit = (node, title) => {
    let inner = title;
    if (ts.isCallExpression(node)) {
      const own = titleOf(node);
      if (own !== undefined) {
        inner = title === undefined ? own : `${title} ${own}`;
        tests.push({ title: inner, from: node.pos, to: node.end });
      }
      for (const id of operationsOfCall(node, operations, constants)) found(id, file, title);
    }
    ts.forEachChild(node, (child) => visit(child, inner));
  };
  visit(source, undefined);
  for (const mark of text.matchAll(/\/\/ covers ((?:\w+_\w+(?:, )?)+)/g)) {
    const around = tests.filter(({ from, to }) => from <= mark.index && mark.index < to).at(-1);
    for (const id of mark[1].split(', ')) {
      if (!operations.some((operation) => operation.id === id))
        throw new Error(`${file}: there is no operation ${id} to cover`);
      found(id, file, around?.title);
    }
  }
}

function readPython(file, text, operations, found) {
  let chapter;
  for (const line of text.split('\n')) {
    chapter = /^def (\w+)/.exec(line)?.[1] ?? chapter;
    for (const [, group, method] of line.matchAll(/\bclient\.(\w+)\.(\w+)\(/g)) {
      const wanted = asOperation(camel(group), camel(method));
      found(operations.find(({ id }) => id.toLowerCase() === wanted)?.id, file, chapter);
    }
  }
}

/**
 * Tests by operation id: `{file, title}`, no title where a file uses it outside its tests.
 * @param {string} root the repository
 */
export function coverage(root, operations) {
  const uses = new Map(operations.map(({ id }) => [id, []]));
  const found = (id, file, title) => {
    const known = uses.get(id);
    if (known === undefined) return;
    if (!known.some((use) => use.file === file && use.title === title)) known.push({ file, title });
  };
  for (const folder of ['test/conformance', 'test/clients'])
    for (const name of readdirSync(join(root, folder)).sort()) {
      const file = `${folder}/${name}`;
      const text = () => readFileSync(join(root, file), 'utf8');
      if (name.endsWith('.test.ts')) readTypeScript(file, text(), operations, found);
      if (name.endsWith('.py')) readPython(file, text(), operations, found);
    }
  return uses;
}
