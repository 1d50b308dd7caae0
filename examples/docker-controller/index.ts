import * as batchyard from '@batchyard/pulumi';
import * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';

const config = new pulumi.Config();
const port = config.getNumber('port') ?? 8480;
const adminToken = config.requireSecret('adminToken');

const image = new docker.Image('controller', {
  imageName: 'batchyard/controller:local',
  build: {
    context: '../..',
    dockerfile: '../../Dockerfile',
    args: config.getObject<Record<string, string>>('buildArgs') ?? {},
  },
  skipPush: true,
});
// All state lives here: it outlives the container, and `pulumi destroy` removes it.
const data = new docker.Volume('data');
const container = new docker.Container('controller', {
  image: image.repoDigest,
  init: true, // ends what nodes leave behind
  restart: 'unless-stopped',
  ports: [{ internal: 8480, external: port, ip: '127.0.0.1' }],
  volumes: [{ volumeName: data.name, containerPath: '/data' }],
  envs: [pulumi.interpolate`BATCHYARD_ADMIN_TOKEN=${adminToken}`],
  healthcheck: {
    tests: [
      'CMD',
      'node',
      '-e',
      `fetch('http://127.0.0.1:8480/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))`,
    ],
    interval: '5s',
    timeout: '5s',
    retries: 6,
  },
  wait: true, // until it is healthy
  waitTimeout: 60,
});

const connection = { endpoint: `http://127.0.0.1:${port}`, adminToken };
const account = new batchyard.Account(
  'account',
  { accountName: 'contained', connection },
  { dependsOn: container },
);

export const accountName = account.accountName;
export const accountKey = account.primaryKey;
export const endpoint = connection.endpoint;
