/**
 * Starts the agent with the code that V8 made of it before: `node start.cjs`, beside agent.cjs and agent.cache.
 * A guest that is emulated takes a second and more to read and compile the bundle; the code of the Node that made
 * the agent's disk fits the Node on it. With any other Node, and without the file, the bundle is compiled as ever.
 *
 * `BATCHYARD_CODE_CACHE=FILE node start.cjs --seed NOWHERE` writes that file: the agent starts, as far as it
 * gets without a seed, so that what each start runs is in it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';

type Wrapped = (
  exports: object,
  require: NodeJS.Require,
  module: { exports: object },
  file: string,
  folder: string,
) => void;

const folder = dirname(process.argv[1] ?? '');
const bundle = join(folder, 'agent.cjs');
const target = process.env.BATCHYARD_CODE_CACHE;

function readCode(): Buffer | undefined {
  try {
    return readFileSync(join(folder, 'agent.cache'));
  } catch {
    return undefined; // It was not made: only slower.
  }
}

// The bundle is ASCII.
const script = new Script(
  `(function (exports, require, module, __filename, __dirname) {${readFileSync(bundle, 'latin1')}\n})`,
  { filename: bundle, cachedData: target === undefined ? readCode() : undefined },
);
const exports = {};
const run = script.runInThisContext() as Wrapped;
run(exports, createRequire(bundle), { exports }, bundle, folder);

if (target !== undefined)
  process.on('exit', () => {
    writeFileSync(target, script.createCachedData());
    process.exitCode = 0;
  });
