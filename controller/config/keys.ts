import type { ConfigurationKey } from './schema.js';

/** How one key is given on the command line and in the environment. */
export interface KeyForm {
  key: ConfigurationKey;
  /** What stands behind the flag in the help text. */
  placeholder: string;
  description: string;
  /** text: as it stands; list: a repeatable flag; structure: YAML or JSON text. */
  form: 'text' | 'list' | 'structure';
  /** The flag's name where it isn't the key's. */
  flag?: string;
}

const text = (key: ConfigurationKey, placeholder: string, description: string): KeyForm => ({
  key,
  placeholder,
  description,
  form: 'text',
});
const structure = (key: ConfigurationKey, description: string): KeyForm => ({
  key,
  placeholder: 'YAML',
  description,
  form: 'structure',
});

export const KEY_FORMS: readonly KeyForm[] = [
  text('data', 'DIR', 'folder of all state; starting again on it continues where it stopped'),
  text('listen', 'HOST:PORT', 'http; port 0 picks one (default 127.0.0.1:8480)'),
  text(
    'tlsListen',
    'HOST:PORT',
    "https, with a certificate from the controller's own CA (DIR/ca.pem) unless `tls` names one",
  ),
  structure('tls', 'certificate for https: {certificateFile, keyFile}, both PEM'),
  {
    key: 'accounts',
    flag: 'account',
    placeholder: 'NAME=BASE64KEY',
    form: 'list',
    description:
      'makes sure that this account exists with this primary key (repeatable); BATCHYARD_ACCOUNTS keeps keys out of process lists',
  },
  text(
    'adminToken',
    'TOKEN',
    'bearer token of the management plane (default: one is made and kept in DIR/admin-token)',
  ),
  structure('images', 'images that pools may name, beside the embedded process image'),
  structure(
    'cloudServiceImages',
    'images of pools with cloudServiceConfiguration: {OSFAMILY: {publisher, offer, sku}}, `*` for any other (default: the process image)',
  ),
  structure('vmSizes', 'VM sizes that pools may name, beside the embedded ones'),
  structure('quotas', 'quotas of accounts that are made'),
  structure(
    'hypervisors',
    'libvirt hosts: [{name, uri, domainType, network, capacity, overCommit, labels, maintenance, …}]; docs/libvirt.md',
  ),
  structure(
    'processNodes',
    'what process nodes may take together: {vcpus, memoryMiB, diskGiB} (default: no limit)',
  ),
  structure(
    'storage',
    'where files of accounts are kept: {kind: disk|s3|azure-blob, …} (default disk, in DIR/objects); docs/storage.md',
  ),
  text(
    'storageDomain',
    'DOMAIN',
    'accounts have storage hosts of their own, {account}.blob.DOMAIN, which clients must be able to resolve',
  ),
  structure('leases', 'leases of nodes: {heartbeatInterval, lease, grace}'),
  structure(
    'taskUsers',
    'whom tasks run as where the agent is root: {processNodes: auto|isolated|agent, …}; docs/tasks.md',
  ),
  text(
    'emptyJobDelay',
    'DURATION',
    'how long an empty job with onAllTasksComplete terminatejob waits for its first task (default PT15S)',
  ),
  text(
    'jobScheduleMinimumInterval',
    'DURATION',
    'shortest recurrence of a job schedule (default PT1M)',
  ),
  text(
    'autoScaleMinimumInterval',
    'DURATION',
    "shortest evaluation interval of a pool's autoscale formula (default PT5M, down to PT5S)",
  ),
  structure('limits', 'limits: {parallelNodeCreates, nodeBootTimeout, blobBytes, …}'),
  text(
    'transfers',
    'NAME=NUMBER,…',
    'how patient and how wide the transfers of nodes are: triesMax, retryMs, idleMs, parallel, …; docs/tasks.md',
  ),
  text('logLevel', 'LEVEL', 'fatal, error, warn, info, debug or trace (default info)'),
];

const kebab = (key: string) => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** `jobScheduleMinimumInterval` → `--job-schedule-minimum-interval`. */
export const flagOf = (form: KeyForm) => `--${form.flag ?? kebab(form.key)}`;
/** `jobScheduleMinimumInterval` → `BATCHYARD_JOB_SCHEDULE_MINIMUM_INTERVAL`. */
export const variableOf = (form: KeyForm) =>
  `BATCHYARD_${kebab(form.key).replaceAll('-', '_').toUpperCase()}`;
