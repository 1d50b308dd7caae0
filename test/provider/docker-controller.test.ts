import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as pulumi from '@pulumi/pulumi';
import { beforeAll, expect, it } from 'vitest';
import { root } from './pulumi-stack.js';

/** The Docker plugin is a download of its own, so the program runs on Pulumi's mocks. */
const registered = new Map<string, { inputs: Record<string, unknown>; name: string }>();
let program: { endpoint: string; accountName: pulumi.Output<string> };

beforeAll(async () => {
  process.chdir(join(root, 'examples', 'docker-controller'));
  pulumi.runtime.setAllConfig({ 'docker-controller:adminToken': 'of-the-test' }, [
    'docker-controller:adminToken',
  ]);
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, inputs, name }) => {
        registered.set(type, { inputs: inputs as Record<string, unknown>, name });
        const digest = type.includes('Image')
          ? { repoDigest: 'batchyard/controller@sha256:0' }
          : {};
        return { id: name, state: { name, ...(inputs as object), ...digest } };
      },
      call: () => ({}),
    },
    'docker-controller',
    'test',
  );
  program = (await import('../../examples/docker-controller/index.js')) as typeof program;
  await promiseOf(program.accountName);
});

const promiseOf = <T>(output: pulumi.Output<T>) =>
  new Promise<T>((resolve) => void output.apply(resolve));
const inputsOf = (type: string) => registered.get(type)?.inputs ?? {};

it('builds the image from the Dockerfile of the repository', () => {
  const { build, skipPush } = inputsOf('docker:index/image:Image') as {
    build: { dockerfile: string; context: string };
    skipPush: boolean;
  };
  expect(skipPush).toBe(true);
  const text = readFileSync(join(root, 'examples/docker-controller', build.dockerfile), 'utf8');
  expect(text).toMatch(/^FROM \$\{BUILD_BASE\} AS build$/m);
  expect(text).toMatch(/^FROM \$\{BASE\}$/m);
});

it('runs that image with its data in the volume, its port on loopback alone and a health check', () => {
  const volume = registered.get('docker:index/volume:Volume')?.name;
  expect(inputsOf('docker:index/container:Container')).toMatchObject({
    image: 'batchyard/controller@sha256:0',
    init: true,
    wait: true,
    ports: [{ internal: 8480, external: 8480, ip: '127.0.0.1' }],
    volumes: [{ volumeName: volume, containerPath: '/data' }],
    healthcheck: { tests: ['CMD', 'node', '-e', expect.stringContaining('/healthz') as string] },
  });
});

it('passes the token as a secret, to the container and to the account that waits for it', async () => {
  const container = inputsOf('docker:index/container:Container');
  const secret = pulumi.runtime.isRpcSecret(container.envs)
    ? pulumi.runtime.unwrapRpcSecret(container.envs)
    : container.envs;
  expect(secret).toEqual(['BATCHYARD_ADMIN_TOKEN=of-the-test']);
  expect(await promiseOf(program.accountName)).toBe('contained');
  expect(program.endpoint).toBe('http://127.0.0.1:8480');
});
