import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';

const API_VERSION = '2022-10-01.16.0';

/** The least a client can do: sign and send. The load of a benchmark must not be the client's own. */
export class SharedKeyClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 });
  readonly #url: URL;
  readonly #key: Buffer;

  constructor(
    url: string,
    private readonly account: string,
    key: string,
  ) {
    this.#url = new URL(url);
    this.#key = Buffer.from(key, 'base64');
  }

  /** @returns the parsed JSON body; @throws when the status is none of `statuses` */
  send(method: string, path: string, statuses: number[], body?: unknown): Promise<unknown> {
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const contentType = payload ? 'application/json; odata=minimalmetadata; charset=utf-8' : '';
    const length = payload ? String(payload.length) : method === 'GET' ? '' : '0';
    const date = new Date().toUTCString();
    const text = [
      method,
      '',
      '',
      length,
      '',
      contentType,
      '',
      '',
      '',
      '',
      '',
      '',
      `ocp-date:${date}`,
      `/${this.account}${path}`,
      `api-version:${API_VERSION}`,
    ].join('\n');
    const signature = createHmac('sha256', this.#key).update(text).digest('base64');
    const headers = {
      'ocp-date': date,
      authorization: `SharedKey ${this.account}:${signature}`,
      ...(contentType && { 'content-type': contentType }),
      ...(length && { 'content-length': length }),
    };
    return new Promise((resolve, reject) => {
      const call = request(
        {
          agent: this.#agent,
          host: this.#url.hostname,
          port: this.#url.port,
          method,
          path: `${path}?api-version=${API_VERSION}`,
          headers,
        },
        (reply) => {
          const parts: Buffer[] = [];
          reply.on('data', (part: Buffer) => parts.push(part));
          reply.on('error', reject);
          reply.on('end', () => {
            const answer = Buffer.concat(parts).toString('utf8');
            if (statuses.includes(reply.statusCode ?? 0))
              resolve(answer === '' ? undefined : JSON.parse(answer));
            else
              reject(new Error(`${method} ${path}: ${reply.statusCode} ${answer.slice(0, 400)}`));
          });
        },
      );
      call.on('error', reject);
      call.end(payload);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
