import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A port that guests reach a controller through, and that tells when the next first words come. */
export class FirstRequest {
  private target = { host: '127.0.0.1', port: 0 };
  private waiting: ((at: number) => void) | undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {
    server.on('connection', (socket) => this.pass(socket));
  }

  static async listen(): Promise<FirstRequest> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FirstRequest(server);
  }

  /** As guests in user mode networks see this machine's loopback. */
  get url(): string {
    return `http://10.0.2.2:${String((this.server.address() as AddressInfo).port)}`;
  }

  to(controllerUrl: string): void {
    const { hostname: host, port } = new URL(controllerUrl);
    this.target = { host, port: Number(port) };
  }

  /** When (as performance.now tells) the first bytes of a connection opened from now on arrive. */
  next(): Promise<number> {
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pass(socket: Socket): void {
    const onward = connect(this.target);
    for (const [one, other] of [[socket, onward], [onward, socket]] as const) {
      this.sockets.add(one);
      one.on('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
      one.on('error', () => other.destroy());
    } // prettier-ignore
    socket.once('data', () => {
      this.waiting?.(performance.now());
      this.waiting = undefined;
    });
    socket.pipe(onward).pipe(socket);
  }
}
