import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchServiceClient } from '@azure/batch';
import forge from 'node-forge';
import { makeCertificate } from '../support/certificate.js';
import type { Certificate } from '../support/certificate.js';
import { batchClient } from '../support/client.js';
import { PROCESS_POOL, refusal, sh, statusOf, waits } from '../support/process-pool.js';
import { signedRequest } from '../support/signed-request.js';
import { startController } from '../support/start-controller.js';
import type { StartedController } from '../support/start-controller.js';
import { waitFor } from '../support/wait-for.js';

const PASSWORD = 'correct horse';
let controller: StartedController;
let client: BatchServiceClient;
let until: ReturnType<typeof waits>;
let used: Certificate;
let hidden: Certificate;
let open: Certificate;
beforeAll(async () => {
  [used, hidden, open] = ['used', 'hidden', 'open'].map(makeCertificate) as [
    Certificate,
    Certificate,
    Certificate,
  ];
  controller = await startController();
  client = batchClient(controller);
  until = waits(client);
});
afterAll(() => controller.stop());

const pfx = (certificate: Certificate, more: object = {}) => ({
  thumbprint: certificate.thumbprint,
  thumbprintAlgorithm: 'sha1',
  data: certificate.pfx(PASSWORD),
  certificateFormat: 'pfx' as const,
  password: PASSWORD,
  ...more,
});
const get = (certificate: Certificate) => client.certificate.get('sha1', certificate.thumbprint);
const reference = (
  certificate: Certificate,
  visibility?: ('starttask' | 'task' | 'remoteuser')[],
) => ({
  thumbprint: certificate.thumbprint,
  thumbprintAlgorithm: 'sha1',
  ...(visibility !== undefined && { visibility }),
});

describe('certificates', () => {
  it('are added with their key or without, and never give data or password back', async () => {
    expect(statusOf(await client.certificate.add(pfx(used)))).toBe(201);
    await client.certificate.add(pfx(hidden));
    const cer = {
      thumbprint: open.thumbprint.toUpperCase(),
      thumbprintAlgorithm: 'SHA1',
      data: open.cer,
      certificateFormat: 'cer' as const,
    };
    expect(statusOf(await client.certificate.add(cer))).toBe(201);
    const seen = await get(used);
    expect(seen).toMatchObject({ state: 'active', thumbprintAlgorithm: 'sha1' });
    expect(seen.thumbprint?.toLowerCase()).toBe(used.thumbprint);
    expect(seen.publicData).toBeTruthy();
    expect(seen.deleteCertificateError).toBeUndefined();
    expect(seen.previousState).toBeUndefined();
    const path = `/certificates(thumbprintAlgorithm=sha1,thumbprint=${used.thumbprint})`;
    const raw = await signedRequest(controller, 'GET', path);
    expect(raw.text).not.toContain(PASSWORD);
    expect(raw.text).not.toMatch(/"(data|password)"/);
  });

  it('are found by any case of algorithm, thumbprint and parameter names', async () => {
    const path = `/certificates(ThumbprintAlgorithm=SHA1,Thumbprint=${used.thumbprint.toUpperCase()})`;
    expect((await signedRequest(controller, 'GET', path)).status).toBe(200);
  });

  it('are refused with the code for what is wrong', async () => {
    const fresh = makeCertificate('fresh');
    const status = async (body: object) => {
      const answer = await signedRequest(controller, 'POST', '/certificates', {
        body: JSON.stringify(body),
      });
      return answer.status;
    };
    expect(await status(pfx(fresh, { thumbprintAlgorithm: 'md5' }))).toBe(400);
    expect(await status(pfx(fresh, { thumbprint: 'ab'.repeat(20) }))).toBe(400);
    expect(await status(pfx(fresh, { thumbprint: 'xyz' }))).toBe(400);
    expect(await status(pfx(fresh, { password: 'wrong' }))).toBe(400);
    expect(await status(pfx(fresh, { data: 'bm90aGluZw==' }))).toBe(400);
    expect(await status(pfx(fresh, { data: '%%%' }))).toBe(400);
    expect(await status(pfx(fresh, { data: undefined }))).toBe(400);
    expect(await status(pfx(fresh, { certificateFormat: 'pem' }))).toBe(400);
    expect(await status(pfx(fresh, { certificateFormat: 'cer', data: fresh.cer }))).toBe(400);
    expect(await status(pfx(fresh, { data: 'A'.repeat(20_000) }))).toBe(400);
    await expect(client.certificate.add(pfx(used))).rejects.toMatchObject(
      refusal(409, 'CertificateExists'),
    );
    await expect(get(fresh)).rejects.toMatchObject(refusal(404, 'CertificateNotFound'));
    await expect(client.certificate.deleteMethod('sha1', fresh.thumbprint)).rejects.toMatchObject(
      refusal(404, 'CertificateNotFound'),
    );
  });

  it('cannot be cancelled while active', async () => {
    await expect(client.certificate.cancelDeletion('sha1', used.thumbprint)).rejects.toMatchObject(
      refusal(409, 'CertificateStateActive'),
    );
  });

  it('are listed, filtered, selected and paged', async () => {
    const list = async (options: object) =>
      client.certificate.list({ certificateListOptions: options });
    expect(await list({})).toHaveLength(3);
    expect(await list({ filter: "state eq 'active'" })).toHaveLength(3);
    const past = "DateTime'2020-01-01'";
    expect(await list({ filter: `stateTransitionTime lt ${past}` })).toHaveLength(0);
    await expect(list({ filter: `thumbprint eq 'x'` })).rejects.toMatchObject({ statusCode: 400 });
    const [one] = await list({ select: 'thumbprint' });
    expect(one?.state).toBeUndefined();
    const page = await list({ maxResults: 2 });
    const rest = await client.certificate.listNext(page.odatanextLink ?? '');
    const all = [...page, ...rest].map(({ thumbprint }) => thumbprint);
    expect(new Set(all).size).toBe(3);
  });
});

const SECRET = 'for whoever holds the key';
/** What only the holder of the certificate's key can read. */
function seal({ cer }: Certificate): string {
  const der = forge.asn1.fromDer(forge.util.decode64(cer));
  const { publicKey } = forge.pki.certificateFromAsn1(der);
  return forge.util.encode64((publicKey as forge.pki.rsa.PublicKey).encrypt(SECRET));
}

describe('certificates on nodes', () => {
  const unseal = ({ thumbprint }: Certificate) =>
    `f=$AZ_BATCH_CERTIFICATES_DIR/sha1-${thumbprint}.pfx; openssl pkcs12 -in $f -passin file:$f.pw -nodes -nocerts -out key && echo $SEALED | base64 -d | openssl pkeyutl -decrypt -inkey key`;
  const print = (certificate: Certificate) =>
    `ls $AZ_BATCH_CERTIFICATES_DIR; cat $AZ_BATCH_CERTIFICATES_DIR/sha1-${certificate.thumbprint}.pfx.pw`;
  let nodeId = '';
  const startOutput = async () =>
    (await signedRequest(controller, 'GET', `/pools/work/nodes/${nodeId}/files/startup/stdout.txt`))
      .text;

  it('are installed before the start task, for those who may see them', async () => {
    await client.pool.add({
      ...PROCESS_POOL,
      id: 'work',
      targetDedicatedNodes: 1,
      startTask: {
        commandLine: sh(`${print(used)}; ${unseal(hidden)}`),
        environmentSettings: [{ name: 'SEALED', value: seal(hidden) }],
      },
      certificateReferences: [
        reference(used),
        reference(hidden, ['starttask']),
        reference(open, ['task']),
        { ...reference(open, ['remoteuser']), storeLocation: 'localmachine' },
      ],
    });
    nodeId = (await until.nodes('work', 'idle'))[0]?.id ?? '';
    const lines = await startOutput();
    expect(lines).toContain(`sha1-${used.thumbprint}.pfx`);
    expect(lines).toContain(`sha1-${hidden.thumbprint}.pfx`);
    expect(lines).not.toContain(open.thumbprint);
    expect(lines).toContain(PASSWORD);
    const node = await client.computeNode.get('work', nodeId);
    expect(node.certificateReferences).toHaveLength(4);
  });

  it('let the start task open a secret', async () => {
    expect(await startOutput()).toContain(SECRET);
  });

  it('are there for tasks, readable by nobody else, and open with their password', async () => {
    await client.job.add({ id: 'job', poolInfo: { poolId: 'work' } });
    const file = `$AZ_BATCH_CERTIFICATES_DIR/sha1-${used.thumbprint}.pfx`;
    await client.task.add('job', {
      id: 't',
      commandLine: sh(
        `${print(used)}; echo; stat -c %a ${file}; openssl pkcs12 -in ${file} -passin file:${file}.pw -nokeys -clcerts | openssl x509 -noout -fingerprint -sha1`,
      ),
    });
    await until.task('job', 't');
    const { text } = await signedRequest(controller, 'GET', '/jobs/job/tasks/t/files/stdout.txt');
    expect(text).not.toContain(hidden.thumbprint);
    expect(text).toContain(open.thumbprint);
    expect(text).toMatch(/\n[46]00\n/);
    const fingerprint = /Fingerprint=([0-9A-F:]+)/i.exec(text)?.[1]?.replaceAll(':', '');
    expect(fingerprint?.toLowerCase()).toBe(used.thumbprint);
  });

  it('read back on the pool with the defaults of a reference', async () => {
    const { certificateReferences } = await client.pool.get('work');
    expect(certificateReferences?.[0]).toMatchObject({
      storeLocation: expect.stringMatching(/^currentuser$/i) as unknown,
      visibility: ['starttask', 'task', 'remoteuser'],
    });
    expect(certificateReferences?.[1]?.visibility).toEqual(['starttask']);
  });

  it('cannot be deleted while a pool uses them; that can be cancelled', async () => {
    expect(statusOf(await client.certificate.deleteMethod('sha1', used.thumbprint))).toBe(202);
    const failed = await waitFor('the delete to fail', async () => {
      const seen = await get(used);
      return seen.state === 'deletefailed' && seen;
    });
    expect(failed.previousState).toBe('deleting');
    expect(failed.deleteCertificateError?.code).toMatch(/^(Pools|Nodes)ReferencingCertificate$/);
    const [value] = failed.deleteCertificateError?.values ?? [];
    expect(value?.name).toMatch(/^(Pools|Nodes)$/);
    expect(value?.value).toMatch(/work|tvmps/);
    expect(statusOf(await client.certificate.cancelDeletion('sha1', used.thumbprint))).toBe(204);
    const again = await get(used);
    expect(again.state).toBe('active');
    expect(again.deleteCertificateError).toBeUndefined();
  });

  it('are those of the pool again after a reboot, not before', async () => {
    await client.pool.patch('work', {
      certificateReferences: [reference(hidden)],
      startTask: { commandLine: sh('ls $AZ_BATCH_CERTIFICATES_DIR') },
    });
    expect(await startOutput()).toContain(used.thumbprint);
    expect((await client.computeNode.get('work', nodeId)).certificateReferences).toHaveLength(4);
    await client.certificate.deleteMethod('sha1', used.thumbprint);
    const inUse = await waitFor('the delete to fail', async () => {
      const seen = await get(used);
      return seen.state === 'deletefailed' && seen;
    });
    expect(inUse.deleteCertificateError).toMatchObject({
      code: 'NodesReferencingCertificate',
      values: [{ name: 'Nodes', value: nodeId }],
    });
    await client.computeNode.reboot('work', nodeId);
    await waitFor('the start task to run anew', async () => {
      const node = await client.computeNode.get('work', nodeId);
      return node.state === 'idle' && !(await startOutput()).includes(used.thumbprint);
    });
    expect(await startOutput()).toContain(hidden.thumbprint);
  });

  it('can be deleted once nothing uses them, and their thumbprint is free', async () => {
    await client.certificate.deleteMethod('sha1', used.thumbprint);
    await waitFor('the certificate to go', async () =>
      get(used).then(
        () => false,
        ({ code }: { code?: string }) => code === 'CertificateNotFound',
      ),
    );
    await client.certificate.add(pfx(used));
    await client.certificate.deleteMethod('sha1', hidden.thumbprint);
    await waitFor('the delete to fail', async () => (await get(hidden)).state === 'deletefailed');
    await client.pool.deleteMethod('work');
    await until.poolGone('work');
    await client.certificate.deleteMethod('sha1', hidden.thumbprint);
    await waitFor('the certificate to go', async () =>
      get(hidden).then(
        () => false,
        ({ code }: { code?: string }) => code === 'CertificateNotFound',
      ),
    );
  });
});
