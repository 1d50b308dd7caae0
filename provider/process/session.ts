import { credentials } from '@grpc/grpc-js';
import { EngineClient } from '@pulumi/pulumi/proto/engine_grpc_pb.js';
import { LogRequest, LogSeverity } from '@pulumi/pulumi/proto/engine_pb.js';
import { connectionOf, type Settings } from '../client/settings.js';
import { messageOf } from '../core/failure.js';
import { holdsUnknown, type Properties } from '../core/json.js';
import type { CheckFailure } from '../core/kind.js';
import type { Ports } from '../core/ports.js';
import { TimedOut } from '../core/wait.js';
import { connect } from '../dynamic/connect.js';

const SETTINGS = ['endpoint', 'adminToken', 'caFile'] as const;
/** What the SDKs add to a provider's own inputs. */
const SDK_SETTINGS = ['version', 'pluginDownloadURL'];

/** What the process knows between two requests: configuration, the way to the engine, and whether it is cancelled. */
export class Session {
  private settings: Settings = {};
  /** Whether the engine can carry secrets. */
  acceptsSecrets = false;
  /** The engine starts plugins where the program runs: relative paths in inputs start there. */
  readonly programDirectory = process.cwd();
  private engine: EngineClient | undefined;
  private readonly cancellation = new AbortController();

  /** Where lines of progress go. */
  attach(engineAddress: string): void {
    this.engine = new EngineClient(engineAddress, credentials.createInsecure());
  }

  configure(given: Properties): void {
    const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
    this.settings = Object.fromEntries(SETTINGS.map((name) => [name, text(given[name])]));
  }

  /** The ports of one operation on a resource (`urn`; empty for none). */
  ports(props: Properties, urn: string): Ports {
    this.refuseCancelled();
    const ports = connect(props, this.settings);
    return {
      ...ports,
      say: (line) => this.say(line, urn),
      // Races with the end of waiting, so that no wait outlives a cancelled update.
      sleep: async (ms) => {
        await Promise.race([ports.sleep(ms), this.cancelled]);
        this.refuseCancelled();
      },
    };
  }

  /** From here on nothing is begun, and what waits stops doing so. */
  cancel(): void {
    this.cancellation.abort();
  }

  private readonly cancelled = new Promise<void>((resolve) => {
    this.cancellation.signal.addEventListener('abort', () => resolve(), { once: true });
  });

  private refuseCancelled(): void {
    if (this.cancellation.signal.aborted)
      throw new TimedOut('cancelled by Pulumi before it was finished; run pulumi up again');
  }

  /** A line under a resource in Pulumi's output. */
  say(line: string, urn: string): void {
    const request = new LogRequest();
    request.setSeverity(LogSeverity.INFO);
    request.setMessage(line);
    request.setUrn(urn);
    this.engine?.log(request, (error) => {
      // Progress that nobody hears is no reason to fail.
      if (error) process.stderr.write(`${line}\n`);
    });
  }
}

/** What is wrong with the inputs of the provider itself. */
export function configurationFailures(given: Properties): CheckFailure[] {
  const allowed: string[] = [...SETTINGS, ...SDK_SETTINGS];
  const failures = Object.keys(given)
    .filter((name) => !allowed.includes(name))
    .map((property) => ({
      property,
      reason: `is unknown here; known are ${SETTINGS.join(', ')}`,
    }));
  for (const name of SETTINGS)
    if (given[name] !== undefined && given[name] !== null && typeof given[name] !== 'string')
      failures.push({ property: name, reason: 'must be a text' });
  // Resources may bring a connection of their own, so a missing endpoint is no failure yet.
  if (failures.length > 0 || given.endpoint === undefined || holdsUnknown(given)) return failures;
  try {
    connectionOf(given, {}, {});
  } catch (error) {
    const reason = messageOf(error);
    failures.push({ property: reason.startsWith('caFile') ? 'caFile' : 'endpoint', reason });
  }
  return failures;
}
