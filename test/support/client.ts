import { readFileSync } from 'node:fs';
import { BatchManagementClient } from '@azure/arm-batch';
import { BatchServiceClient, BatchSharedKeyCredentials } from '@azure/batch';

const SUBSCRIPTION = '00000000-0000-0000-0000-000000000000';

/** The official client, unchanged, on a started controller. */
export function batchClient(controller: {
  url: string;
  account: string;
  key: string;
}): BatchServiceClient {
  const credentials = new BatchSharedKeyCredentials(controller.account, controller.key);
  return new BatchServiceClient(credentials, controller.url, {
    noRetryPolicy: true,
  });
}

/** The official management client, unchanged, over https with the controller's own CA. */
export function managementClient(controller: {
  tlsUrl: string | undefined;
  caFile: string | undefined;
  adminToken: string;
}): BatchManagementClient {
  const token = { token: controller.adminToken, expiresOnTimestamp: Date.now() + 3_600_000 };
  return new BatchManagementClient({ getToken: () => Promise.resolve(token) }, SUBSCRIPTION, {
    endpoint: controller.tlsUrl,
    tlsOptions: { ca: readFileSync(controller.caFile ?? '', 'utf8') },
    retryOptions: { maxRetries: 0 },
  });
}
