import { builtinModules } from 'node:module';
import { rooms } from './house/rooms.mjs';

const escape = (text) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
const pattern = ({ path }) => (path.endsWith('.ts') ? `^${escape(path)}$` : `^${escape(path)}/`);
/** Rooms whose path lies inside another room's: the longest path wins. */
const inner = (room) =>
  rooms.filter((other) => other !== room && other.path.startsWith(`${room.path}/`));
const place = (room) => ({
  path: pattern(room),
  ...(inner(room).length > 0 && { pathNot: inner(room).map(pattern) }),
});

const forbidden = rooms.flatMap((room) => {
  const strangers = rooms.filter((other) => other !== room && !room.knows.includes(other.room));
  const rules = [
    {
      name: `${room.room} may know: ${room.knows.join(', ') || 'nobody'}`,
      severity: 'error',
      from: place(room),
      // An inner room of an allowed outer one is judged by its own row.
      to: {
        path: strangers.map(pattern),
        pathNot: [
          pattern(room),
          ...room.knows
            .map((name) => pattern(rooms.find((other) => other.room === name)))
            .filter(
              (allowed) =>
                !strangers.some((stranger) => pattern(stranger).startsWith(allowed.slice(0, -1))),
            ),
        ],
      },
    },
  ];
  if (room.pure) {
    const allowed = (room.npm ?? []).map((name) => `node_modules/${name}/`);
    rules.push({
      name: `${room.room} is pure: no Node API, no npm package but ${room.npm?.join(', ') || 'none'}`,
      severity: 'error',
      from: place(room),
      to: {
        dependencyTypes: [
          'npm',
          'npm-dev',
          'npm-optional',
          'npm-peer',
          'core',
          'unknown',
          'undetermined',
        ],
        ...(allowed.length > 0 && { pathNot: allowed }),
      },
    });
  }
  return rules;
});

/** Rooms that may see core (or engine) for its types alone. */
const typesOnly = [
  ['controller/(queries|store|effects|config)/', '^controller/core/'],
  ['controller/http/', '^controller/core/'],
].map(([from, to]) => ({
  name: `${from} sees ${to} for its types only`,
  severity: 'error',
  from: { path: `^${from}` },
  to: { path: to, dependencyTypesNot: ['type-only'] },
}));

export default {
  forbidden: [
    ...forbidden,
    ...typesOnly,
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'every import exists',
      severity: 'error',
      from: { path: '^(protocol|controller|agent|cli|provider)/' },
      to: { couldNotResolve: true, pathNot: builtinModules },
    },
    {
      name: 'every file has a room',
      severity: 'error',
      from: { path: '^(protocol|controller|agent|cli|provider)/', pathNot: rooms.map(pattern) },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', 'dist'] },
    exclude: { path: ['(^|/)dist/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
