/**
 * What agents call besides their link: `POST /agent/enrol` and `POST /agent/streams/{id}`. The link
 * itself is an upgrade of the connection, done beside Koa by the executor that owns the sessions.
 */
import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream';
import type Koa from 'koa';
import { nodeEnrol } from '../../commands/node/enrol.js';
import type { Command } from '../../engine/command.js';
import { EnrolRequest } from '../../../protocol/agent/enrol.js';
import type { EnrolReply } from '../../../protocol/agent/enrol.js';
import { PROTOCOL_VERSION } from '../../../protocol/agent/version.js';
import { BatchError } from '../../../protocol/batch/errors.js';
import type { NodeKey } from '../../../protocol/keys.js';
import { keepLog, LOG_PATH, type LogPorts } from './logs.js';

export const LINK_PATH = '/agent/link';
const AGENT_PREFIX = '/agent/';
const ENROL_BYTES_MAX = 16 * 1024;

export interface AgentPorts extends LogPorts {
  submit<T>(command: Command<T>): Promise<T>;
  isEnrolmentToken(nodeKey: string, incarnation: number, token: string): boolean;
  hashSecret(secret: string): string;
  /** The node whose secret the request carries, or the status to answer with. */
  identify(request: IncomingMessage): { nodeKey: NodeKey; incarnation: number } | 401 | 410;
  /** Hands the bytes of a file to whoever asked for them; false: nobody did. */
  streamArrived(id: string, nodeKey: NodeKey, body: IncomingMessage): boolean;
}

/** The endpoints as a middleware; everything outside `/agent/` is passed on. */
export function agentEndpoints(ports: AgentPorts): Koa.Middleware {
  return async (context, next) => {
    if (!context.path.startsWith(AGENT_PREFIX)) return next();
    const streamId = /^\/agent\/streams\/([\w-]{1,64})$/.exec(context.path)?.[1];
    const logFile = LOG_PATH.exec(context.path)?.[1];
    if (context.method === 'POST' && context.path === '/agent/enrol') await enrol(ports, context);
    else if (context.method === 'POST' && streamId !== undefined)
      await stream(ports, context, streamId);
    else if (context.method === 'PUT' && logFile !== undefined)
      await keepLog(ports, context, logFile);
    else context.status = context.path === LINK_PATH ? 426 : 404;
  };
}

async function enrol(ports: AgentPorts, context: Koa.Context): Promise<void> {
  const request = await readEnrolment(context.req);
  if (request === undefined) {
    context.status = 400;
    return;
  }
  const { nodeKey, incarnation, token, secret, agentVersion } = request;
  if (!ports.isEnrolmentToken(nodeKey, incarnation, token)) {
    context.status = 403;
    return;
  }
  try {
    const secretHash = ports.hashSecret(secret);
    await ports.submit(
      nodeEnrol({ nodeKey: nodeKey as NodeKey, incarnation, secretHash, agentVersion }),
    );
  } catch (error) {
    if (!(error instanceof BatchError)) throw error;
    context.status = error.status;
    context.body = { code: error.code };
    return;
  }
  context.body = { linkPath: LINK_PATH, protocolVersion: PROTOCOL_VERSION } satisfies EnrolReply;
}

async function readEnrolment(request: IncomingMessage): Promise<EnrolRequest | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ENROL_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  try {
    return EnrolRequest.safeParse(JSON.parse(Buffer.concat(chunks).toString('utf8'))).data;
  } catch {
    // Not JSON: no enrolment.
    return undefined;
  }
}

/** Answers once the bytes have been read to their end; a reader that went away ends the connection. */
async function stream(ports: AgentPorts, context: Koa.Context, id: string): Promise<void> {
  const who = ports.identify(context.req);
  if (typeof who === 'number') {
    context.status = who;
    return;
  }
  const read = new Promise<boolean>((resolve) => {
    finished(context.req, { writable: false }, (error) => {
      resolve(error === undefined || error === null);
    });
  });
  if (!ports.streamArrived(id, who.nodeKey, context.req)) {
    context.set('connection', 'close');
    context.status = 404;
    return;
  }
  if (await read) context.status = 204;
  else context.respond = false;
}
