import { Readable } from 'node:stream';
import type { ToController } from '../../protocol/agent/message.js';
import type { AgentRequest } from '../../protocol/agent/request.js';
import { sendStream } from '../link/stream.js';
import { answerRequest } from '../node/files.js';
import { follow } from '../node/follow.js';
import type { HttpClient } from '../node/http.js';
import type { Identity } from '../node/identity.js';
import type { NodeUsers } from '../node/node-users.js';
import { uploadLogs } from '../task/upload-logs.js';

/** What answers need of the agent. */
export interface RequestPorts {
  identity: Identity;
  client: HttpClient;
  nodeUsers: NodeUsers;
  /** Tasks run as users of their own. */
  hasUsers(): boolean;
  /** Whether a run goes on that may write this file. */
  writes(path: string): boolean;
  send(message: ToController): void;
}

/** Answers what the controller asks of the node beside its tasks: files, users, logs. */
export class Requests {
  /** What follows files over the present link. */
  #linkEnds = new AbortController();

  constructor(private readonly ports: RequestPorts) {}

  linkClosed(): void {
    this.#linkEnds.abort();
    this.#linkEnds = new AbortController();
  }

  async answer(id: string, request: AgentRequest): Promise<void> {
    if (request.type === 'uploadLogs') return this.#uploadLogs(id, request);
    if (request.type === 'putUser' || request.type === 'removeUser') {
      const response = await this.ports.nodeUsers.answer(request);
      return this.ports.send({ type: 'response', id, response });
    }
    if (request.type === 'followFile') return this.#follow(id, request);
    const { response, opened } = await answerRequest(
      this.ports.identity.rootDirectory,
      request,
      this.ports.hasUsers(),
    );
    this.ports.send({ type: 'response', id, response });
    if (opened === undefined) return;
    const { handle, start, end } = opened;
    try {
      const body =
        end > start
          ? handle.createReadStream({ start, end: end - 1, autoClose: false })
          : Readable.from([]);
      await sendStream(this.ports.client.request, this.ports.identity, id, end - start, body);
    } finally {
      await handle.close();
    }
  }

  /** A follower ends with the link: the controller asks again over the next one. */
  async #follow(
    id: string,
    { path, start }: Extract<AgentRequest, { type: 'followFile' }>,
  ): Promise<void> {
    const { rootDirectory } = this.ports.identity;
    const done = new AbortController();
    const signal = AbortSignal.any([this.#linkEnds.signal, done.signal]);
    const isOver = () => !this.ports.writes(`${rootDirectory}/${path}`);
    this.ports.send({ type: 'response', id, response: { type: 'following' } });
    const body = Readable.from(follow({ rootDirectory, path, start, isOver, signal }), {
      objectMode: false,
    });
    const abort = () => body.destroy(new Error('the link is gone'));
    signal.addEventListener('abort', abort);
    try {
      await sendStream(this.ports.client.request, this.ports.identity, id, undefined, body);
    } finally {
      // The reader may be gone while the file waits for its next line.
      signal.removeEventListener('abort', abort);
      done.abort();
    }
  }

  /** Says how many there are, and sends them afterwards. */
  async #uploadLogs(
    id: string,
    request: Extract<AgentRequest, { type: 'uploadLogs' }>,
  ): Promise<void> {
    const { rootDirectory } = this.ports.identity;
    const { files, done } = await uploadLogs(rootDirectory, this.ports.client, request);
    this.ports.send({ type: 'response', id, response: { type: 'uploading', files } });
    await done;
  }
}
