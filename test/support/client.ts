import { BatchServiceClient, BatchSharedKeyCredentials } from '@azure/batch';

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
