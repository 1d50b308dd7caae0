import { Session } from './session.js';
import { serve } from './server.js';

/** How often the process looks whether the engine that started it still lives. */
const PARENT_LOOK_MS = 3_000;

/**
 * `pulumi-resource-batchyard`: what Pulumi's engine starts. Its argument is the engine's own address,
 * its first line the port on which the provider answers.
 */
export async function main(args: readonly string[]): Promise<void> {
  const session = new Session();
  const engine = args.find((argument) => !argument.startsWith('-'));
  if (engine !== undefined) session.attach(engine);
  const { server, port } = await serve(session);
  // So the engine ends its plugins. What waits stops doing so, and every request still gets its answer.
  const end = () => {
    session.cancel();
    server.tryShutdown(() => process.exit(0));
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid === parent) return;
    session.cancel();
    server.forceShutdown();
    process.exit(0);
  }, PARENT_LOOK_MS).unref();
  process.stdout.write(`${String(port)}\n`);
}
