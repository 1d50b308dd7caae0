import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline, Readable } from 'node:stream';
import { rootCertificates } from 'node:tls';

export interface HttpOptions {
  method: string;
  headers?: Record<string, string | number>;
  /** A short text, or a stream whose length the headers tell. */
  body?: string | Buffer | Readable;
  signal?: AbortSignal;
  /** A body that may take hours: the headers leave at once, over a connection of its own. */
  isLong?: boolean;
  /** Without a byte in either direction for this long the request fails; 0: never. */
  idleMs: number;
}

/** The request got no answer in time. */
export class HttpTimeout extends Error {
  constructor(url: URL, idleMs: number) {
    super(`${url.host} sent nothing for ${idleMs} ms`);
    this.name = 'HttpTimeout';
  }
}

/**
 * Requests with connections that are kept, and the controller's own certificate authority trusted for
 * the controller's host alone.
 */
export class HttpClient {
  #http = new HttpAgent({ keepAlive: true, maxSockets: 16 });
  #long = new HttpAgent({ keepAlive: false });
  #https = new HttpsAgent({ keepAlive: true, maxSockets: 16 });
  #controller: HttpsAgent | undefined;
  #controllerHost: string;

  constructor(controllerUrl: string, caPem: string | undefined) {
    this.#controllerHost = new URL(controllerUrl).host;
    if (caPem !== undefined) {
      this.#controller = new HttpsAgent({ keepAlive: true, ca: [...rootCertificates, caPem] });
    }
  }

  /** Resolves with the response once its headers are here, whatever its status. */
  request = (url: URL, options: HttpOptions): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const secure = url.protocol === 'https:';
      const send = secure ? httpsRequest : httpRequest;
      const request = send(url, {
        method: options.method,
        headers: options.headers ?? {},
        agent: this.#agent(url, secure, options.isLong === true),
        timeout: options.idleMs,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      if (options.isLong === true) request.flushHeaders();
      let answer: IncomingMessage | undefined;
      request.on('response', (response) => resolve((answer = response)));
      request.on('error', reject);
      request.on('timeout', () => {
        const error = new HttpTimeout(url, options.idleMs);
        // Who reads the body would else hear of a closed connection only.
        answer?.destroy(error);
        request.destroy(error);
      });
      if (options.body instanceof Readable)
        pipeline(options.body, request, (error) => error && reject(error));
      else request.end(options.body);
    });

  close(): void {
    for (const agent of [this.#http, this.#long, this.#https, this.#controller]) agent?.destroy();
  }

  #agent(url: URL, secure: boolean, isLong: boolean): HttpAgent | HttpsAgent {
    if (!secure) return isLong ? this.#long : this.#http;
    return url.host === this.#controllerHost ? (this.#controller ?? this.#https) : this.#https;
  }
}

/** The text of a short answer; what exceeds the limit is not read. */
export async function readText(response: Readable, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > bytesMax) throw new Error(`the answer is longer than ${bytesMax} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}
