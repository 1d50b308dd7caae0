import type { IncomingMessage } from 'node:http';

const HOST = /^[\w.:[\]-]{1,255}$/;

/**
 * `http://host:port` as the client reached this service: the base of every URL in an answer. A Host
 * header that is none gives way to the address of the socket.
 */
export function originOf(context: { req: IncomingMessage }): string {
  const host = context.req.headers.host ?? '';
  const scheme = 'encrypted' in context.req.socket ? 'https' : 'http';
  if (HOST.test(host)) return `${scheme}://${host}`;
  const { localAddress = '127.0.0.1', localPort } = context.req.socket;
  const address = localAddress.includes(':') ? `[${localAddress}]` : localAddress;
  return `${scheme}://${address}:${String(localPort)}`;
}
