/** Refusals of the storage endpoints: the Blob service's codes, texts and statuses. */
const TABLE = {
  AuthenticationFailed: [
    403,
    'Server failed to authenticate the request. The signature is missing, wrong or expired.',
  ],
  AuthorizationPermissionMismatch: [403, 'The signature does not permit this operation.'],
  ResourceNotFound: [404, 'The specified account does not exist.'],
  ContainerNotFound: [404, 'The specified container does not exist.'],
  BlobNotFound: [404, 'The specified blob does not exist.'],
  ContainerAlreadyExists: [409, 'The specified container already exists.'],
  ContainerBeingDeleted: [409, 'The specified container is being deleted. Try again later.'],
  BlobAlreadyExists: [409, 'The specified blob already exists.'],
  ConditionNotMet: [412, 'The condition specified using HTTP conditional header(s) is not met.'],
  InvalidBlockList: [400, 'The specified block list is invalid.'],
  InvalidRange: [416, 'The range specified is invalid for the current size of the resource.'],
  InvalidResourceName: [400, 'The specified resource name is not allowed.'],
  InvalidQueryParameterValue: [400, 'The value of a query parameter is not allowed.'],
  InvalidHeaderValue: [400, 'The value of a header is not allowed.'],
  InvalidUri: [400, 'The requested URI does not represent any resource on the server.'],
  Md5Mismatch: [400, 'The MD5 value of the request does not match that of the body.'],
  UnsupportedHttpVerb: [405, 'The resource does not support the specified HTTP verb.'],
  RequestBodyTooLarge: [413, 'The request body is larger than allowed.'],
  ServerBusy: [
    503,
    'The server is currently unable to receive requests. Please retry the request.',
  ],
  InternalError: [500, 'The server encountered an internal error. Please retry the request.'],
  NotImplemented: [501, 'This operation of the Blob service is not offered here.'],
} as const satisfies Record<string, readonly [number, string]>;

export type StorageErrorCode = keyof typeof TABLE;

export class StorageError extends Error {
  constructor(
    readonly code: StorageErrorCode,
    detail?: string,
  ) {
    super(detail === undefined ? TABLE[code][1] : `${TABLE[code][1]} ${detail}`);
    this.name = 'StorageError';
  }

  get status(): number {
    return TABLE[this.code][0];
  }
}

export const isStorageErrorCode = (code: unknown): code is StorageErrorCode =>
  typeof code === 'string' && Object.hasOwn(TABLE, code);
