/**
 * Questions to agents about their files. An answer comes over the link; the bytes of `readFile` come
 * as the body of the agent's own `POST /agent/streams/{id}`, matched here with the reader that waits:
 * the reader's pace is the agent's pace, and a reader that goes away ends the agent's stream.
 */
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import type {
  AgentRequest,
  AgentResponse,
  FileProperties,
} from '../../../protocol/agent/request.js';
import { BatchError } from '../../../protocol/batch/errors.js';
import type { NodeKey } from '../../../protocol/keys.js';
import type { AgentSession } from './session.js';
import type { Sessions } from './sessions.js';

const ANSWER_TIMEOUT_MS = 30_000;
const OPEN_REQUESTS_MAX = 256;

interface Question {
  nodeKey: NodeKey;
  sessionId: string;
  answer(response: AgentResponse): void;
  fail(error: Error): void;
}

interface ExpectedStream {
  nodeKey: NodeKey;
  arrive(body: Readable): void;
}

export interface FileContent {
  file: FileProperties;
  /** Inclusive byte positions; `end` is `start - 1` for nothing. */
  start: number;
  end: number;
  body: Readable;
}

export class NodeFiles {
  private readonly questions = new Map<string, Question>();
  private readonly streams = new Map<string, ExpectedStream>();

  constructor(private readonly sessions: Sessions) {}

  /** Rejects with BatchError NodeNotReady where the node has no link or doesn't answer in time. */
  async request(nodeKey: NodeKey, request: AgentRequest): Promise<AgentResponse> {
    return this.ask(nodeKey, randomUUID(), request);
  }

  /** The file's properties and content, or BatchError FileNotFound, InvalidRange or NodeNotReady. */
  async read(
    nodeKey: NodeKey,
    path: string,
    range: { start?: number; end?: number } = {},
  ): Promise<FileContent> {
    const id = randomUUID();
    const arrival = this.expect(id, nodeKey);
    try {
      const response = await this.ask(nodeKey, id, { type: 'readFile', path, ...range });
      if (response.type !== 'file') throw asError(response, path);
      const { file } = response;
      const start = range.start ?? 0;
      const end = Math.min(range.end ?? file.contentLength - 1, file.contentLength - 1);
      return { file, start, end, body: await arrival.body };
    } catch (error) {
      // A stream that comes although the answer was a refusal, or late, has no reader.
      arrival.giveUp();
      throw error;
    }
  }

  /** The file from `start` on as it is written; ends when nobody writes it any more. */
  async follow(nodeKey: NodeKey, path: string, start: number): Promise<Readable> {
    const id = randomUUID();
    const arrival = this.expect(id, nodeKey);
    try {
      const response = await this.ask(nodeKey, id, { type: 'followFile', path, start });
      if (response.type !== 'following') throw asError(response, path);
      return await arrival.body;
    } catch (error) {
      arrival.giveUp();
      throw error;
    }
  }

  isOnline(nodeKey: NodeKey): boolean {
    return this.sessions.get(nodeKey) !== undefined;
  }

  answered(session: AgentSession, id: string, response: AgentResponse): void {
    const question = this.questions.get(id);
    if (question?.sessionId === session.id) question.answer(response);
  }

  /** The body of a stream that an agent has opened; false: nobody waits for it. */
  arrived(id: string, nodeKey: NodeKey, body: Readable): boolean {
    const expected = this.streams.get(id);
    if (expected?.nodeKey !== nodeKey) return false;
    this.streams.delete(id);
    expected.arrive(body);
    return true;
  }

  /** The session's open questions will not be answered. */
  sessionEnded(session: AgentSession): void {
    for (const question of this.questions.values()) {
      if (question.sessionId === session.id) question.fail(new BatchError('NodeNotReady'));
    }
  }

  private ask(nodeKey: NodeKey, id: string, request: AgentRequest): Promise<AgentResponse> {
    const session = this.sessions.get(nodeKey);
    if (session === undefined) return Promise.reject(new BatchError('NodeNotReady'));
    if (this.questions.size >= OPEN_REQUESTS_MAX)
      return Promise.reject(new BatchError('ServerBusy'));
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        this.questions.delete(id);
      };
      const timer = setTimeout(() => {
        done();
        reject(new BatchError('NodeNotReady', [], 'The node did not answer in time.'));
      }, ANSWER_TIMEOUT_MS);
      this.questions.set(id, {
        nodeKey,
        sessionId: session.id,
        answer: (response) => {
          done();
          resolve(response);
        },
        fail: (error) => {
          done();
          reject(error);
        },
      });
      session.send({ type: 'request', id, request });
    });
  }

  private expect(id: string, nodeKey: NodeKey): { body: Promise<Readable>; giveUp(): void } {
    let givenUp = false;
    let timer: NodeJS.Timeout | undefined;
    const body = new Promise<Readable>((resolve, reject) => {
      timer = setTimeout(() => {
        this.streams.delete(id);
        reject(new BatchError('NodeNotReady', [], 'The node did not send the file in time.'));
      }, ANSWER_TIMEOUT_MS * 2);
      this.streams.set(id, {
        nodeKey,
        arrive: (stream) => {
          clearTimeout(timer);
          if (givenUp) stream.destroy();
          else resolve(stream);
        },
      });
    });
    // The question may fail first; then nobody awaits this one.
    body.catch(() => undefined);
    return {
      body,
      giveUp: () => {
        givenUp = true;
        clearTimeout(timer);
        this.streams.delete(id);
        body.then((stream) => stream.destroy()).catch(() => undefined);
      },
    };
  }
}

function asError(response: AgentResponse, path: string): BatchError {
  const said =
    response.type === 'failed' ? response : { code: 'Failed' as const, message: response.type };
  switch (said.code) {
    case 'InvalidRange':
      return new BatchError('InvalidRange');
    case 'FileNotFound':
    case 'InvalidPath':
      return new BatchError('FileNotFound', [{ key: 'FilePath', value: path }]);
    default:
      return new BatchError('InternalError', [{ key: 'Reason', value: said.message }]);
  }
}
