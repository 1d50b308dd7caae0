import * as z from 'zod';

/**
 * Enrolment: `POST /agent/enrol`, once for each incarnation (boot) of a node.
 *
 * The node's seed holds a one-time token. The agent makes its own secret and sends the token with
 * the secret; the controller keeps only the secret's hash and forgets the token. Sending the same
 * pair again is answered the same way (a reply may be lost); another secret is refused, so a token
 * read later from the seed is worth nothing.
 */
export const EnrolRequest = z.object({
  nodeKey: z.string(),
  incarnation: z.int().min(1),
  /** The one-time token of the seed. */
  token: z.string(),
  /** 32 random bytes, base64url, made by the agent: the bearer token of its link. */
  secret: z.string().min(32),
  agentVersion: z.string(),
});
export type EnrolRequest = z.infer<typeof EnrolRequest>;

export const EnrolReply = z.object({
  /** Path of the link, relative to the controller's URL: `/agent/link`. */
  linkPath: z.string(),
  protocolVersion: z.int(),
});
export type EnrolReply = z.infer<typeof EnrolReply>;

const port = z.int().min(0).max(65_535);

/** Whether those may connect whom it names; the first that names a connection's source counts. */
export const AccessRule = z.object({
  allow: z.boolean(),
  /** An address or a network; `neighbours`: whoever is on the node's own networks; `others`: whoever is not. Absent: all. */
  source: z
    .string()
    .regex(/^(neighbours|others|[0-9A-Fa-f.:]+(\/\d{1,3})?)$/)
    .optional(),
  /** Pairs of first and last; absent: any. */
  sourcePorts: z.array(z.tuple([port, port])).optional(),
});
export type AccessRule = z.infer<typeof AccessRule>;

/** Who may connect to a node; see agent/node/firewall.ts. */
export const Firewall = z.object({
  /** The pool asked for communication between its nodes. */
  interNode: z.boolean(),
  /** The secure shell and the pool's inbound endpoints. */
  openPorts: z
    .array(
      z.object({
        protocol: z.enum(['tcp', 'udp']),
        port: z.int().min(1).max(65_535),
        /** Absent: everybody may. */
        rules: z.array(AccessRule).max(100).optional(),
      }),
    )
    .max(100),
});
export type Firewall = z.infer<typeof Firewall>;

/** What a guest makes new of itself when it goes on from a memory image that others went on from, too. */
export const Resumption = z.object({
  /** Epoch milliseconds on the host; the guest's clock stood still. */
  time: z.number(),
  /** Base64 of 64 random bytes: the guest's random pools would give each of its siblings the same numbers. */
  entropy: z.string(),
  /** 32 hexadecimal digits. */
  machineId: z.string().regex(/^[0-9a-f]{32}$/),
  /** Of the guest's first network interface, where a network is shared with its siblings. */
  macAddress: z
    .string()
    .regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
    .optional(),
});
export type Resumption = z.infer<typeof Resumption>;

/**
 * In the place of a seed: the guest waits here, to be saved as a memory image, until the firmware
 * configuration that it was read from holds a seed. Both are padded with spaces to the same length.
 */
export const TemplateSeed = z.object({
  template: z.literal(true),
  /** It is saved with its network down: whoever goes on from it has its address until it takes its own. */
  sharesNetwork: z.boolean().optional(),
});
export type TemplateSeed = z.infer<typeof TemplateSeed>;
export const PADDED_SEED_BYTES = 16_384;

/**
 * Whom tasks run as on a node whose agent is root. `numbers`: a block of user and group numbers that no
 * other node of the machine uses, without accounts; `accounts`: the machine is the node's own, and has
 * system accounts, those of single tasks from the block.
 */
export const TaskUsers = z.object({
  kind: z.enum(['numbers', 'accounts']),
  first: z.int().min(1_000).max(0xffff_0000),
  count: z.int().min(256),
});
export type TaskUsers = z.infer<typeof TaskUsers>;

/** The seed of an agent: all it needs to call home. Worth nothing after enrolment. */
export const Seed = z.object({
  controllerUrl: z.string(),
  /** PEM of the controller's CA, where the URL is https. */
  caPem: z.string().optional(),
  nodeKey: z.string(),
  incarnation: z.int().min(1),
  token: z.string(),
  /** AZ_BATCH_NODE_ROOT_DIR of the node. */
  rootDirectory: z.string(),
  /** Absent: every task runs as the agent's own user. */
  taskUsers: TaskUsers.optional(),
  /** Why they are absent although the agent is root; shown on the node. */
  taskUsersRemark: z.string().optional(),
  /** Absent: nobody but the host can reach the node, or it is the machine's own affair. */
  firewall: Firewall.optional(),
  /** The name that the machine bears, which is the node's own. Absent: it keeps its name. */
  hostName: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .optional(),
  resumption: Resumption.optional(),
});
export type Seed = z.infer<typeof Seed>;

/** The control group that holds those of a node's runs, named by the node's root; its maker may find it left. */
export const cgroupName = (rootDirectory: string): string =>
  `batchyard${rootDirectory.replaceAll('/', '-').slice(-200)}`;
