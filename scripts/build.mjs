#!/usr/bin/env node
// Builds dist/ in about a second: the controller and its command line, and the agent as one file.
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url).pathname;
process.chdir(root);
mkdirSync('dist', { recursive: true });
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  sourcemap: true,
  logLevel: 'warning',
};
/** Bundled CommonJS packages call require(), which ES modules don't have. */
const requireBanner = {
  js: "import { createRequire as batchyardCreateRequire } from 'node:module'; const require = batchyardCreateRequire(import.meta.url);",
};

/** zod has its messages in forty languages: a third of the bundle, which each agent would read at its start. */
const englishOnly = {
  name: 'english-only',
  setup(building) {
    building.onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

const outputs = [
  // The controller runs from its installed packages: native ones can't be bundled.
  existsSync('cli/main.ts') && {
    ...common,
    entryPoints: { batchyard: 'cli/main.ts' },
    outdir: 'dist',
    packages: 'external',
    banner: { js: '#!/usr/bin/env node' },
  },
  existsSync('agent/main.ts') && {
    ...common,
    entryPoints: { agent: 'agent/main.ts' },
    outdir: 'dist',
    outExtension: { '.js': '.mjs' },
    external: ['koffi'],
    plugins: [englishOnly],
    banner: requireBanner,
  },
  // The same for the disks of VM nodes, with what starts it from compiled code.
  existsSync('agent/main.ts') && {
    ...common,
    format: 'cjs',
    minifyWhitespace: true,
    minifySyntax: true,
    sourcemap: false,
    entryPoints: { agent: 'agent/main.ts', start: 'agent/start.ts' },
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    external: ['koffi'],
    plugins: [englishOnly],
    define: { 'import.meta.url': 'batchyardUrl' },
    banner: { js: "const batchyardUrl = require('node:url').pathToFileURL(__filename).href;" },
  },
  existsSync('provider/index.ts') && {
    ...common,
    format: 'cjs',
    entryPoints: {
      index: 'provider/index.ts',
      impl: 'provider/impl.ts',
      process: 'provider/process/main.ts',
    },
    outdir: 'provider/dist',
    packages: 'external',
    splitting: false,
  },
].filter(Boolean);
await Promise.all(outputs.map((options) => build(options)));
copyFileSync('agent/survivor.pl', 'dist/survivor.pl');
