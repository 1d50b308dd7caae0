/**
 * Every error code of the service with its HTTP status and default text (the contract's section 2).
 * Codes that only ever stand inside entities (failureInfo, resizeErrors) are not here.
 */
const table = {
  // common
  ConditionNotMet: [412, 'The condition specified using HTTP conditional header(s) is not met.'],
  MissingRequiredHeader: [400, 'A required HTTP header was not specified.'],
  MissingRequiredProperty: [400, 'A required property was not specified in the request body.'],
  MissingRequiredQueryParameter: [400, 'A required query parameter was not specified.'],
  UnsupportedHeader: [400, 'A header in the request is not supported.'],
  UnsupportedProperty: [400, 'A property in the request body is not supported.'],
  UnsupportedQueryParameter: [400, 'A query parameter in the request is not supported.'],
  UnsupportedRequestVersion: [400, 'The request version is not supported.'],
  InvalidHeaderValue: [400, 'The value of a header is invalid.'],
  InvalidPropertyValue: [400, 'The value provided for a property in the request body is invalid.'],
  InvalidQueryParameterValue: [400, 'The value of a query parameter is invalid.'],
  OutOfRangeQueryParameterValue: [400, 'A query parameter is outside the permissible range.'],
  OutOfRangeInput: [400, 'One of the request inputs is out of range.'],
  InvalidRequestBody: [400, 'The specified request body is not syntactically valid.'],
  InvalidInput: [400, 'One of the request inputs is not valid.'],
  InvalidUri: [400, 'The requested URI does not represent any resource on the server.'],
  RequestUrlFailedToParse: [400, 'The URL in the request could not be parsed.'],
  InvalidHttpVerb: [400, 'The HTTP verb specified was not recognized by the server.'],
  InvalidAuthenticationInfo: [400, 'The Authorization header is not in the correct format.'],
  InvalidMetadata: [400, 'The specified metadata is invalid.'],
  EmptyMetadataKey: [400, 'The key for one of the metadata items is empty.'],
  MetadataTooLarge: [400, 'The size of the specified metadata exceeds the maximum permitted.'],
  MultipleConditionHeadersNotSupported: [400, 'Multiple condition headers are not supported.'],
  AuthenticationFailed: [
    403,
    'Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.',
  ],
  InsufficientAccountPermissions: [403, 'The account has insufficient permissions for this call.'],
  AccountIsDisabled: [403, 'The specified account is disabled.'],
  Forbidden: [403, 'The operation is not permitted.'],
  ResourceNotFound: [404, 'The specified resource does not exist.'],
  UnsupportedHttpVerb: [405, 'The resource does not support the specified HTTP verb.'],
  ResourceAlreadyExists: [409, 'The specified resource already exists.'],
  ResourceTypeMismatch: [409, 'The resource is of another type than the request expects.'],
  OperationInvalidForCurrentState: [
    409,
    'The operation is invalid for the current state of the resource.',
  ],
  MissingContentLengthHeader: [411, 'The Content-Length header was not specified.'],
  RequestBodyTooLarge: [413, 'The size of the request body exceeds the maximum size permitted.'],
  RequestEntityTooLarge: [413, 'The list of resource files is too large.'],
  InvalidRange: [416, 'The range specified is invalid for the current size of the resource.'],
  InternalError: [500, 'Server encountered an internal error. Please try again after some time.'],
  OperationTimedOut: [500, 'The operation could not be completed within the permitted time.'],
  ServerBusy: [503, 'Server is currently unable to receive requests. Please try again later.'],
  TooManyEnableAutoScaleRequests: [
    503,
    'Autoscale can be enabled on a pool only once every 30 seconds.',
  ],
  // autoscale, constraints
  InvalidAutoScalingSettings: [400, 'The autoscale settings are invalid.'],
  AutoScalingFormulaSyntaxError: [400, 'The specified autoscale formula has a syntax error.'],
  AutoScalingFormulaTooLong: [400, 'The specified autoscale formula is longer than permitted.'],
  InvalidConstraintValue: [400, 'The value of a constraint is invalid.'],
  UnsupportedConstraint: [400, 'The specified constraint is not supported.'],
  OutOfRangePriority: [400, 'The specified priority is out of the permissible range.'],
  InvalidRestAPIForAccountSetting: [
    400,
    'The operation is not allowed with the settings of this account.',
  ],
  // pool OS of old api-versions
  OSVersionNotFound: [400, 'The specified OS version does not exist.'],
  OSVersionDisabled: [400, 'The specified OS version is disabled.'],
  OSVersionExpired: [400, 'The specified OS version is expired.'],
  PoolVersionEqualsUpgradeVersion: [400, 'The pool has the specified OS version already.'],
  PoolNotEligibleForOSVersionUpgrade: [400, 'The pool is not eligible for an OS version upgrade.'],
  // dependencies
  TaskDependenciesNotSpecifiedOnJob: [
    400,
    'The task has dependencies but the job does not use task dependencies (usesTaskDependencies).',
  ],
  TaskDependencyListTooLong: [400, 'The list of task dependencies is longer than permitted.'],
  TaskDependencyRangesTooLong: [
    400,
    'The list of task dependency ranges is longer than permitted.',
  ],
  // not found
  AccountNotFound: [404, 'The specified account does not exist.'],
  PoolNotFound: [404, 'The specified pool does not exist.'],
  NodeNotFound: [404, 'The specified node does not exist.'],
  NodeUserNotFound: [404, 'The specified node user does not exist.'],
  NodeAgentSKUNotFound: [404, 'The specified node agent SKU does not exist.'],
  HostInformationNotPresent: [404, 'The node has no host information yet.'],
  JobNotFound: [404, 'The specified job does not exist.'],
  JobScheduleNotFound: [404, 'The specified job schedule does not exist.'],
  TaskNotFound: [404, 'The specified task does not exist.'],
  JobPreparationTaskNotRunOnNode: [404, 'The job preparation task did not run on the node.'],
  JobReleaseTaskNotRunOnNode: [404, 'The job release task did not run on the node.'],
  FileNotFound: [404, 'The specified file does not exist.'],
  PathNotFound: [404, 'The specified path does not exist.'],
  CertificateNotFound: [404, 'The specified certificate does not exist.'],
  ApplicationNotFound: [404, 'The specified application does not exist.'],
  StorageAccountNotFound: [404, 'The specified storage account does not exist.'],
  VMExtensionNotFound: [404, 'The specified extension does not exist.'],
  // pools
  PoolExists: [409, 'The specified pool already exists.'],
  PoolBeingCreated: [409, 'The specified pool is being created.'],
  PoolBeingDeleted: [409, 'The specified pool is being deleted.'],
  PoolBeingResized: [409, 'The specified pool is being resized.'],
  PoolQuotaReached: [409, 'The account has reached its quota of pools.'],
  UpgradePoolVersionConflict: [409, 'The pool is being upgraded to another version.'],
  OperationNotValidOnPool: [409, 'The operation is not valid on the pool.'],
  NodeCountsMismatch: [409, 'The node counts of the pool do not match the request.'],
  // nodes
  NodeBeingCreated: [409, 'The specified node is being created.'],
  NodeBeingStarted: [409, 'The specified node is being started.'],
  NodeBeingRebooted: [409, 'The specified node is being rebooted.'],
  NodeBeingReimaged: [409, 'The specified node is being reimaged.'],
  NodeStateUnusable: [409, 'The specified node is unusable.'],
  NodeNotReady: [409, 'The specified node is not ready for the operation.'],
  NodeUserExists: [409, 'The specified node user already exists.'],
  NodeAlreadyInTargetSchedulingState: [409, 'The node is in the target scheduling state already.'],
  OperationNotValidOnNode: [409, 'The operation is not valid on the node.'],
  // jobs
  JobExists: [409, 'The specified job already exists.'],
  JobBeingDeleted: [409, 'The specified job is being deleted.'],
  JobBeingTerminated: [409, 'The specified job is being terminated.'],
  JobCompleted: [409, 'The specified job is already in a completed state.'],
  JobDisabled: [409, 'The specified job is disabled.'],
  JobNotActive: [409, 'The specified job is not in the state that the operation needs.'],
  JobWithSameIdExists: [409, 'A job with the specified id exists.'],
  ActiveJobAndScheduleQuotaReached: [
    409,
    'The account has reached its quota of active jobs and schedules.',
  ],
  JobPreparationTaskNotSpecified: [409, 'The job has no job preparation task.'],
  JobReleaseTaskNotSpecified: [409, 'The job has no job release task.'],
  JobPreparationTaskOrReleaseTaskNotSpecified: [
    409,
    'The job has neither a job preparation task nor a job release task.',
  ],
  // job schedules
  JobScheduleExists: [409, 'The specified job schedule already exists.'],
  JobScheduleBeingDeleted: [409, 'The specified job schedule is being deleted.'],
  JobScheduleBeingTerminated: [409, 'The specified job schedule is being terminated.'],
  JobScheduleCompleted: [409, 'The specified job schedule is already in a completed state.'],
  JobScheduleDisabled: [409, 'The specified job schedule is disabled.'],
  JobScheduleWithSameIdExists: [409, 'A job schedule with the specified id exists.'],
  // tasks
  TaskExists: [409, 'The specified task already exists.'],
  TaskFactoryExists: [409, 'A task factory of this id exists with another body.'],
  TaskCompleted: [409, 'The specified task is already completed.'],
  TaskNotCompleted: [409, 'The specified task is not completed.'],
  TaskSucceeded: [409, 'The specified task succeeded.'],
  TaskFilesUnavailable: [
    409,
    'The files of the task are unavailable: it has not run or its node is gone.',
  ],
  TaskFilesCleanedup: [409, 'The files of the task were removed.'],
  TaskIdSameAsJobPreparationTask: [409, 'The task has the id of the job preparation task.'],
  TaskIdSameAsJobReleaseTask: [409, 'The task has the id of the job release task.'],
  AddTaskCollectionTerminated: [400, 'The task was not attempted: the collection ended before it.'],
  // certificates and packages
  CertificateExists: [409, 'The specified certificate already exists.'],
  CertificateBeingDeleted: [409, 'The specified certificate is being deleted.'],
  CertificateStateActive: [409, 'The specified certificate is active.'],
  CertificateDeleteFailed: [409, 'The specified certificate is in the state deletefailed.'],
  InvalidCertificateReferences: [409, 'One or more certificate references are invalid.'],
  InvalidApplicationPackageReferences: [
    409,
    'One or more application package references are invalid.',
  ],
  ApplicationPackageNotFound: [404, 'The specified application package does not exist.'],
  ApplicationQuotaReached: [409, 'The account has reached its quota of applications.'],
  ApplicationPackageQuotaReached: [409, 'The application has reached its quota of packages.'],
} satisfies Record<string, [number, string]>;

export type ErrorCode = keyof typeof table;

export interface ErrorValue {
  key: string;
  value: string;
}

/** True where the text is a code of this service. */
export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(table, code);
const statusOf = (code: ErrorCode): number => table[code][0];
export const defaultText = (code: ErrorCode): string => table[code][1];

/** A refused request: thrown by schemas, commands and queries, answered in one middleware. */
export class BatchError extends Error {
  constructor(
    readonly code: ErrorCode,
    readonly values: ErrorValue[] = [],
    message?: string,
  ) {
    super(message ?? defaultText(code));
    this.name = 'BatchError';
  }

  /** HTTP status. */
  get status(): number {
    return statusOf(this.code);
  }
}

/** InvalidPropertyValue as clients read it: the offending property's name is the first value. */
export const invalidPropertyValue = (property: string, value: string, reason: string): BatchError =>
  new BatchError('InvalidPropertyValue', [
    { key: 'PropertyName', value: property },
    { key: 'PropertyValue', value },
    { key: 'Reason', value: reason },
  ]);
