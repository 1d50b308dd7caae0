import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const MANIFEST_TYPE = 'application/vnd.docker.distribution.manifest.v2+json';
const LAYER_TYPE = 'application/vnd.docker.image.rootfs.diff.tar';
const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** What the configuration of an image says of its process. */
type ImageProcess = Partial<Record<'Entrypoint' | 'Cmd', string[]>>;

/**
 * A registry on loopback whose images have one layer in common, and which asks for a name and password, as far
 * as `docker pull` and `podman pull` need it.
 */
export class ImageRegistry {
  /** Manifests that were given away. */
  pulls = 0;
  #blobs = new Map<string, Buffer>();
  #manifests = new Map<string, Buffer>();

  private constructor(
    private readonly server: Server,
    private readonly login: { username: string; password: string },
    layer: Buffer,
    images: Readonly<Record<string, ImageProcess>>,
  ) {
    this.#blobs.set(digestOf(layer), layer);
    for (const [name, process] of Object.entries(images)) this.#add(name, process, layer);
  }

  #add(name: string, imageProcess: ImageProcess, layer: Buffer): void {
    const config = Buffer.from(
      JSON.stringify({
        architecture: { x64: 'amd64' }[process.arch as string] ?? process.arch,
        os: 'linux',
        config: { Env: ['PATH=/bin', 'OF_IMAGE=yes'], WorkingDir: '/image-home', ...imageProcess },
        rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
      }),
    );
    this.#blobs.set(digestOf(config), config);
    const described = (mediaType: string, bytes: Buffer) => ({
      mediaType,
      size: bytes.length,
      digest: digestOf(bytes),
    });
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST_TYPE,
        config: described('application/vnd.docker.container.image.v1+json', config),
        layers: [described(LAYER_TYPE, layer)],
      }),
    );
    for (const reference of ['1', digestOf(manifest)])
      this.#manifests.set(`/v2/${name}/manifests/${reference}`, manifest);
  }

  static async start(
    layerFile: string,
    login: { username: string; password: string },
    images: Readonly<Record<string, ImageProcess>> = { tiny: {} },
  ): Promise<ImageRegistry> {
    const server = createServer();
    const registry = new ImageRegistry(server, login, readFileSync(layerFile), images);
    server.on('request', (request, response) => {
      const { authorization } = request.headers;
      const {
        status,
        body = '',
        headers = {},
      } = registry.#answer(request.url ?? '', authorization);
      response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers });
      response.end(request.method === 'HEAD' ? undefined : body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  /** What names it in image names. */
  get host(): string {
    return `127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  #answer(
    url: string,
    authorization: string | undefined,
  ): { status: number; body?: Buffer | string; headers?: Record<string, string> } {
    const { username, password } = this.login;
    const wanted = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    if (authorization !== wanted)
      return {
        status: 401,
        body: JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'unauthorized' }] }),
        headers: { 'www-authenticate': 'Basic realm="test"' },
      };
    if (url === '/v2/') return { status: 200, body: '{}' };
    const manifest = this.#manifests.get(url);
    if (manifest !== undefined) {
      this.pulls += 1;
      const digest = digestOf(manifest);
      const headers = { 'content-type': MANIFEST_TYPE, 'docker-content-digest': digest };
      return { status: 200, body: manifest, headers };
    }
    const blob = this.#blobs.get(/^\/v2\/\w+\/blobs\/(.*)$/.exec(url)?.[1] ?? '');
    if (blob !== undefined) return { status: 200, body: blob };
    const error = { code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' };
    return { status: 404, body: JSON.stringify({ errors: [error] }) };
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
