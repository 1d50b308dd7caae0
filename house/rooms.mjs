/**
 * The rooms of the house and whom each may know: the one table that dependency-cruiser checks and
 * ARCHITECTURE.md prints (test/house compares them). A file belongs to the room with the longest path.
 */
export const rooms = [
  { room: 'protocol', path: 'protocol', knows: [], pure: true, npm: ['zod'], why: 'what crosses a process boundary: schemas, keys, error codes' },
  { room: 'core', path: 'controller/core', knows: ['protocol'], pure: true, npm: [], why: 'state machines and the scheduler' },
  { room: 'engine', path: 'controller/engine', knows: ['core', 'protocol'], pure: true, npm: [], why: 'the single writer; the ports to the world' },
  { room: 'commands', path: 'controller/commands', knows: ['engine', 'core', 'protocol'], pure: true, npm: [], why: 'one file a write operation' },
  { room: 'queries', path: 'controller/queries', knows: ['engine', 'core', 'protocol'], pure: false, why: 'one file a read operation; core for its types only' },
  { room: 'http', path: 'controller/http', knows: ['commands', 'queries', 'engine', 'core', 'protocol'], pure: false, why: 'bytes to commands and queries; engine and core for their types only' },
  { room: 'store', path: 'controller/store', knows: ['engine', 'core', 'protocol'], pure: false, why: 'rows only, no rules; core for its types only' },
  { room: 'effects', path: 'controller/effects', knows: ['engine', 'core', 'protocol'], pure: false, why: 'executors of what the core asks of the world; core for its types only' },
  { room: 'config', path: 'controller/config', knows: ['core', 'protocol'], pure: false, why: 'file, flags and environment to one checked value; core for its types only' },
  { room: 'controller/main', path: 'controller/main.ts', knows: ['protocol', 'core', 'engine', 'commands', 'queries', 'http', 'store', 'effects', 'config'], pure: false, why: 'wires the controller together' },
  { room: 'agent/core', path: 'agent/core', knows: ['protocol'], pure: true, npm: [], why: 'task life, command line, environment, lease and spool' },
  { room: 'agent/link', path: 'agent/link', knows: ['agent/core', 'protocol'], pure: false, why: 'the one connection to the controller' },
  { room: 'agent/node', path: 'agent/node', knows: ['agent/core', 'protocol'], pure: false, why: 'directories, certificates, files of the node' },
  { room: 'agent/task', path: 'agent/task', knows: ['agent/core', 'agent/node', 'protocol'], pure: false, why: 'one step of a task a file' },
  { room: 'agent/main', path: 'agent/main.ts', knows: ['protocol', 'agent/core', 'agent/link', 'agent/node', 'agent/task'], pure: false, why: 'wires the agent together' },
  { room: 'cli', path: 'cli', knows: ['controller/main', 'config', 'effects', 'protocol'], pure: false, why: 'the command line: batchyard controller, batchyard doctor (which tries what VM nodes need)' },
  { room: 'provider/core', path: 'provider/core', knows: ['protocol'], pure: false, why: 'check, diff, create, read, update, delete; no Pulumi' },
  { room: 'provider/client', path: 'provider/client', knows: ['protocol'], pure: false, why: 'connection settings to official clients' },
  { room: 'provider/dynamic', path: 'provider/dynamic', knows: ['provider/core', 'provider/client', 'protocol'], pure: false, why: 'the tiny stable stub that state holds' },
  { room: 'provider/resources', path: 'provider/resources', knows: ['provider/dynamic', 'provider/core', 'protocol'], pure: false, why: 'one class a resource' },
  { room: 'provider/main', path: 'provider', knows: ['provider/core', 'provider/client', 'provider/dynamic', 'provider/resources', 'protocol'], pure: false, why: 'what the package exports' },
];
