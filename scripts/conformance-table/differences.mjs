/**
 * Known differences from Azure, each with its reason. `operations` are ids, or a prefix with a star.
 * @type {readonly {operations: readonly string[], difference: string, reason: string}[]}
 */
export const differences = [
  {
    operations: ['*'],
    difference: 'Times have milliseconds; Azure writes up to seven digits of a second.',
    reason: 'The clock of the controller has milliseconds; every official client reads both.',
  },
  {
    operations: ['*'],
    difference:
      'Account names work as the host’s first label or on any host name; Azure knows only host names.',
    reason: 'One machine serves every account under one address; the signature names the account.',
  },
  {
    operations: ['*'],
    difference: '`$expand` with another word than `stats` answers 400 InvalidQueryParameterValue.',
    reason:
      'The documents name no code; a misspelt word shall not pass for statistics that are absent.',
  },
  {
    operations: ['*'],
    difference: 'A body is at most 1 MB and 32 levels deep for every operation.',
    reason:
      'Azure documents 1 MB for Task_AddCollection alone; a limit on everything keeps memory bounded.',
  },
  {
    operations: ['ComputeNode_Reimage'],
    difference: 'Works on pools of virtual machine configuration.',
    reason:
      'Older Azure refuses with OperationNotValidOnNode, newer clients’ tests expect success.',
  },
  {
    operations: ['Task_Update'],
    difference: 'A completed task refuses every change with TaskCompleted.',
    reason: 'Azure is said to allow another retention time; the contract leaves it open.',
  },
  {
    operations: ['Pool_Add', 'Pool_UpgradeOS'],
    difference:
      'Pools with cloudServiceConfiguration run the image that `cloudServiceImages` of the configuration names for their osFamily (default: the process image); any OS version is taken, and an upgrade boots every node anew, half of them at a time.',
    reason:
      'There are no cloud services. Programs of their time go on: the fields are kept, shown and moved as documented.',
  },
  {
    operations: ['Pool_Add'],
    difference: 'A subnetId is refused for pools of process nodes.',
    reason: 'They run on the controller’s machine and are in no network that could be named.',
  },
  {
    operations: ['Pool_ListUsageMetrics'],
    difference: 'Times within the last two hours are answered, not refused.',
    reason: 'Usage is counted as it happens; nothing has to be waited for.',
  },
  {
    operations: ['Pool_StopResize'],
    difference: 'A steady pool answers 409 OperationInvalidForCurrentState.',
    reason: 'No document and no recording names Azure’s code.',
  },
  {
    operations: ['Pool_Resize'],
    difference: 'A pool that scales by formula answers 409 OperationInvalidForCurrentState.',
    reason: 'No document and no recording names Azure’s code.',
  },
  {
    operations: ['Certificate_Add'],
    difference:
      'The certificate, its password and its thumbprint are checked against each other at once.',
    reason: 'A PFX that no node could open is better refused than found out about on a node.',
  },
  {
    operations: ['File_GetFromTask', 'File_GetFromComputeNode'],
    difference: 'Only one range, `bytes=a-b` or `bytes=a-`.',
    reason: 'It is what the service documents; several ranges have no place in a 200 answer.',
  },
  {
    operations: ['Account_ListSupportedImages'],
    difference: 'Lists the images of this controller’s configuration.',
    reason: 'Nodes are this user’s own machines; there is no marketplace.',
  },
];
