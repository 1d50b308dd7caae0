import * as z from 'zod';
import { formatDuration, formatTime, parseDuration, readTime } from '../time.js';
import { DEFAULTS, LIMITS } from './limits.js';

/**
 * Building blocks of the wire's schemas. Unknown properties are dropped, enums come in any case and
 * leave lower case, durations and times leave in normal form. Explicit nulls are removed before a
 * schema sees a body (`validation.ts`).
 */

/** Ids of pools, jobs, job schedules, tasks and applications: case kept. */
export const ResourceId = z
  .string()
  .regex(/^[\w-]{1,64}$/, 'must be 1 to 64 characters of letters, digits, hyphen and underscore');

/** An enum that is compared without case and leaves in the spelling given here. */
export const anyCase = <const Values extends readonly [string, ...string[]]>(values: Values) => {
  const known = new Map<string, Values[number]>(values.map((v) => [v.toLowerCase(), v]));
  return z.preprocess(
    (input) => (typeof input === 'string' ? (known.get(input.toLowerCase()) ?? input) : input),
    z.enum(values, {
      error: (issue) =>
        typeof issue.input === 'string' ? `must be one of ${values.join(', ')}` : undefined,
    }),
  );
};

/** An ISO 8601 duration in normal form. Limits are milliseconds; the infinite duration passes `maximum` only if that is absent. */
export const duration = (limits: { minimum?: number; maximum?: number } = {}) =>
  z
    .string()
    .meta({ format: 'duration' })
    .transform((text, context) => {
      const ms = parseDuration(text);
      const { minimum = 0, maximum = Infinity } = limits;
      if (ms !== undefined && ms >= minimum && ms <= maximum) return formatDuration(ms);
      const bounds =
        (limits.minimum === undefined ? '' : ` of at least ${formatDuration(minimum)}`) +
        (limits.maximum === undefined ? '' : ` and at most ${formatDuration(maximum)}`);
      context.addIssue({ code: 'custom', message: `must be an ISO 8601 duration${bounds}` });
      return z.NEVER;
    });

/** A point in time as ISO text, UTC. */
export const Time = z
  .string()
  .meta({ format: 'date-time' })
  .transform((text, context) => {
    const ms = readTime(text);
    if (ms !== undefined) return formatTime(ms);
    context.addIssue({ code: 'custom', message: 'must be an ISO 8601 date and time' });
    return z.NEVER;
  });

export const int32 = (minimum: number, maximum = 2_147_483_647) =>
  z.int32().min(minimum).max(maximum);
export const nonEmpty = (length: number) => z.string().min(1, 'must not be empty').max(length);
export const Url = nonEmpty(LIMITS.urlLength).regex(
  /^https?:\/\/\S+$/i,
  'must be an http or https URL',
);

/** A path below a directory of the node: relative, and it stays inside. */
export const RelativePath = nonEmpty(LIMITS.pathLength).refine(
  (path) =>
    !path.includes('\0') && !/^([/\\]|[a-z]:)/i.test(path) && !path.split(/[/\\]/).includes('..'),
  'must be a relative path that stays inside its directory',
);

export const DisplayName = z.string().max(LIMITS.displayNameLength);

const MetadataItem = z.object({
  name: z.string().min(1).max(LIMITS.metadataLength),
  value: z.string().max(LIMITS.metadataLength),
});
export const Metadata = z.array(MetadataItem).max(LIMITS.metadataItems);

const NameValue = z.object({
  name: nonEmpty(LIMITS.metadataLength),
  value: z.string().optional(),
});

const EnvironmentSetting = z.object({
  name: nonEmpty(LIMITS.metadataLength).regex(/^[^=\0]+$/, 'must hold neither = nor NUL'),
  value: z
    .string()
    .max(LIMITS.environmentValueLength)
    .regex(/^[^\0]*$/, 'must not hold NUL')
    .optional(),
});
export const EnvironmentSettings = z.array(EnvironmentSetting).max(LIMITS.environmentSettings);

export const CommandLine = nonEmpty(LIMITS.commandLineLength).refine(
  (text) => text.trim() !== '' && !text.includes('\0'),
  'must hold a command and no NUL',
);

/** Of a program that may run in a container: empty, it leaves what runs to the image's `ENTRYPOINT` and `CMD`. */
export const ProgramCommandLine = z
  .string()
  .max(LIMITS.commandLineLength)
  .refine((text) => !text.includes('\0'), 'must hold no NUL');

/** Only a container has something to run without a command. */
export function checkCommand(
  program: { commandLine: string; containerSettings?: unknown },
  context: z.core.$RefinementCtx,
): void {
  if (program.containerSettings === undefined && program.commandLine.trim() === '')
    context.addIssue({
      code: 'custom',
      path: ['commandLine'],
      message: 'must hold a command: only with containerSettings it may be empty',
      input: program.commandLine,
    });
}

export const IdentityReference = z.object({ resourceId: z.string().optional() });

const SOURCES = ['autoStorageContainerName', 'storageContainerUrl', 'httpUrl'] as const;
const ResourceFile = z
  .object({
    autoStorageContainerName: nonEmpty(LIMITS.pathLength).optional(),
    storageContainerUrl: Url.optional(),
    httpUrl: Url.optional(),
    blobPrefix: z.string().max(LIMITS.pathLength).optional(),
    filePath: RelativePath.optional(),
    fileMode: z
      .string()
      .regex(/^(0o)?[0-7]{3,4}$/, 'must be an octal file mode')
      .optional(),
    identityReference: IdentityReference.optional(),
  })
  .superRefine((file, context) => {
    const given = SOURCES.filter((source) => file[source] !== undefined);
    if (given.length !== 1)
      context.addIssue({
        code: 'custom',
        path: [given[1] ?? 'httpUrl'],
        message:
          'exactly one of httpUrl, storageContainerUrl and autoStorageContainerName must be given',
      });
    if (file.httpUrl !== undefined && file.filePath === undefined)
      context.addIssue({ code: 'custom', path: ['filePath'], message: 'is required with httpUrl' });
    if (file.httpUrl !== undefined && file.blobPrefix !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['blobPrefix'],
        message: 'is valid only with a container',
      });
  });
export const ResourceFiles = z
  .array(ResourceFile)
  .meta({ maxItems: LIMITS.resourceFiles })
  .superRefine((files, context) => {
    if (files.length > LIMITS.resourceFiles)
      context.addIssue({
        code: 'custom',
        message: `must be at most ${LIMITS.resourceFiles} items`,
        params: { code: 'RequestEntityTooLarge' },
      });
  });

export const OutputFile = z.object({
  filePattern: nonEmpty(LIMITS.pathLength),
  destination: z.object({
    container: z.object({
      containerUrl: Url,
      path: z.string().max(LIMITS.pathLength).optional(),
      identityReference: IdentityReference.optional(),
      uploadHeaders: z.array(NameValue).max(100).optional(),
    }),
  }),
  uploadOptions: z.object({
    uploadCondition: anyCase(['tasksuccess', 'taskfailure', 'taskcompletion']),
  }),
});
export type OutputFile = z.output<typeof OutputFile>;

const AutoUser = z.object({
  scope: anyCase(['pool', 'task']).default('pool'),
  elevationLevel: anyCase(['nonadmin', 'admin']).default('nonadmin'),
});

/** `username` (the wire's spelling) or `autoUser`; neither: the pool's auto user without admin rights. */
export const UserIdentity = z
  .object({
    username: nonEmpty(LIMITS.userAccountNameLength).optional(),
    autoUser: AutoUser.optional(),
  })
  .superRefine((identity, context) => {
    if (identity.username !== undefined && identity.autoUser !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['username'],
        message: 'username and autoUser are mutually exclusive',
      });
  })
  .transform((identity): { username?: string; autoUser?: z.output<typeof AutoUser> } =>
    identity.username === undefined && identity.autoUser === undefined
      ? { autoUser: { scope: 'pool', elevationLevel: 'nonadmin' } }
      : identity,
  );
export type UserIdentity = z.output<typeof UserIdentity>;

const ApplicationPackageReference = z.object({
  applicationId: ResourceId,
  version: nonEmpty(LIMITS.idLength).optional(),
});
export const ApplicationPackageReferences = z
  .array(ApplicationPackageReference)
  .max(LIMITS.applicationPackagesPerPool);

/** Hex digits without blanks, case kept. */
export const Thumbprint = z
  .string()
  .max(LIMITS.thumbprintLength * 2)
  .transform((text) => text.replace(/\s/g, ''))
  .pipe(z.string().regex(/^[0-9a-f]{1,40}$/i, 'must be at most 40 hex digits'));
export const ThumbprintAlgorithm = anyCase(['sha1']);

const CertificateReference = z.object({
  thumbprint: Thumbprint,
  thumbprintAlgorithm: ThumbprintAlgorithm,
  storeLocation: anyCase(['currentuser', 'localmachine']).default('currentuser'),
  storeName: nonEmpty(LIMITS.idLength).default('My'),
  visibility: z
    .array(anyCase(['starttask', 'task', 'remoteuser']))
    .max(10)
    .default(['starttask', 'task', 'remoteuser']),
});
export const CertificateReferences = z.array(CertificateReference).max(100);

export const ContainerRegistry = z.object({
  username: z.string().optional(),
  password: z.string().optional(),
  registryServer: z.string().optional(),
  identityReference: IdentityReference.optional(),
});

export const ContainerSettings = z.object({
  imageName: nonEmpty(LIMITS.pathLength),
  containerRunOptions: z.string().max(LIMITS.commandLineLength).optional(),
  registry: ContainerRegistry.optional(),
  workingDirectory: anyCase(['taskWorkingDirectory', 'containerImageDefault']).optional(),
});

export const AuthenticationTokenSettings = z.object({
  access: z
    .array(anyCase(['job']))
    .max(1)
    .optional(),
});

/** Constraints of a task; `maxTaskRetryCount` stays absent where the job's value applies. */
export const TaskConstraints = z.object({
  maxWallClockTime: duration().default(DEFAULTS.maxWallClockTime),
  retentionTime: duration().default(DEFAULTS.retentionTime),
  maxTaskRetryCount: int32(-1).optional(),
});
export type TaskConstraints = z.output<typeof TaskConstraints>;

export const DeallocationOption = anyCase([
  'requeue',
  'terminate',
  'taskcompletion',
  'retaineddata',
]);
