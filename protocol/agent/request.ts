import * as z from 'zod';

/**
 * Questions the controller asks a node. Paths are below the node's root and never leave it, links
 * included. `readFile` is answered with `response` (properties, or an error) and then the bytes as the
 * body of the agent's own `POST /agent/streams/{id}`: back-pressure comes from the two HTTP streams.
 */
export const AgentRequest = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('listFiles'),
    path: z.string(),
    recursive: z.boolean(),
    /** Names (relative to `path`) that sort after this one, by code unit; for paging. */
    after: z.string().optional(),
    startsWith: z.string().optional(),
    limit: z.int().min(1).max(1001),
  }),
  z.object({ type: z.literal('fileProperties'), path: z.string() }),
  /** `start` and `end` are inclusive byte positions; an open end reads to the current size. */
  z.object({
    type: z.literal('readFile'),
    path: z.string(),
    start: z.number().optional(),
    end: z.number().optional(),
  }),
  /** The same from `start` on as it is written, until the run that writes it is over; answered with `following`. */
  z.object({ type: z.literal('followFile'), path: z.string(), start: z.number() }),
  z.object({ type: z.literal('deleteFile'), path: z.string(), recursive: z.boolean() }),
  /** The agent's own log files, to `{containerUrl}/{directory}/…`; answered with `uploading`, before they are there. */
  z.object({ type: z.literal('uploadLogs'), containerUrl: z.string(), directory: z.string() }),
  /**
   * Makes someone who may log in, or makes them anew: what is absent is as if never given. Answered with
   * `userDone`, or UserNameTaken where the name is one of the machine's own.
   */
  z.object({
    type: z.literal('putUser'),
    name: z.string(),
    isAdmin: z.boolean(),
    /** Epoch milliseconds: gone from then on. */
    expiryTime: z.number(),
    password: z.string().optional(),
    sshPublicKey: z.string().optional(),
  }),
  /** One that is not there is fine. */
  z.object({ type: z.literal('removeUser'), name: z.string() }),
]);
export type AgentRequest = z.infer<typeof AgentRequest>;

export const FileProperties = z.object({
  /** Relative to the asked path, `/`-separated. */
  name: z.string(),
  isDirectory: z.boolean(),
  contentLength: z.number(),
  /** Epoch milliseconds. */
  lastModified: z.number(),
  contentType: z.string(),
  /** Octal with type bits, `0o100644`. */
  fileMode: z.string(),
});
export type FileProperties = z.infer<typeof FileProperties>;

export const AgentResponse = z.discriminatedUnion('type', [
  z.object({ type: z.literal('files'), files: z.array(FileProperties), more: z.boolean() }),
  z.object({ type: z.literal('file'), file: FileProperties }),
  z.object({ type: z.literal('deleted') }),
  z.object({ type: z.literal('following') }),
  z.object({ type: z.literal('uploading'), files: z.int() }),
  z.object({ type: z.literal('userDone') }),
  z.object({
    type: z.literal('failed'),
    /** FileNotFound, InvalidRange, DirectoryNotEmpty, InvalidPath, or Failed with the system's text. */
    code: z.enum([
      'FileNotFound',
      'InvalidRange',
      'DirectoryNotEmpty',
      'InvalidPath',
      'UserNameTaken',
      'Failed',
    ]),
    message: z.string(),
  }),
]);
export type AgentResponse = z.infer<typeof AgentResponse>;
