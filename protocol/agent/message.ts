import * as z from 'zod';
import { Assignment, NodeConfiguration } from './assignment.js';
import { SequencedEvent } from './event.js';
import { AgentRequest, AgentResponse } from './request.js';

/**
 * The link: one WebSocket at `/agent/link`, opened by the agent with `Authorization: Bearer {secret}`
 * and `x-batchyard-node: {nodeKey};{incarnation}`. Text frames of JSON: a message from the agent; from the
 * controller a list of messages, all that one turn of its loop has for the node, to be taken in order.
 *
 *   agent                              controller
 *   hello (what it holds)        ──►
 *                                ◄──   welcome, configure (until prepared), assign, stop
 *   heartbeat n                  ──►
 *                                ◄──   lease n
 *   events (numbered)            ──►
 *                                ◄──   acknowledge (after the commit)
 *                                ◄──   request id
 *   response id                  ──►
 *
 * The lease: `lease n` lets the agent run tasks until `leaseMs` after it SENT heartbeat n, by its own
 * monotonic clock; with no lease left it kills its tasks and reports them as stopped. The controller
 * counts from when it RECEIVED heartbeat n and adds a grace, so its view always ends later.
 */
const attemptRef = z.object({ taskKey: z.string(), attempt: z.int().min(1) });
export type AttemptRef = z.infer<typeof attemptRef>;

/** Samples for autoscale and the node's page. */
export const NodeMetrics = z.object({
  cpuPercent: z.number(),
  memoryBytes: z.number(),
  diskBytes: z.number(),
  /** Totals since the machine started; absent where it does not say. */
  diskReadBytes: z.number().optional(),
  diskWriteBytes: z.number().optional(),
  diskReadOps: z.number().optional(),
  diskWriteOps: z.number().optional(),
  networkInBytes: z.number().optional(),
  networkOutBytes: z.number().optional(),
  /** Directories of ended tasks that are kept for their retention time. */
  retainedDirectories: z.int().optional(),
});
export type NodeMetrics = z.infer<typeof NodeMetrics>;

export const ToController = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    protocolVersion: z.int(),
    agentVersion: z.string(),
    /** Configured by an earlier link of this incarnation: don't configure again. */
    configured: z.boolean(),
    /** `configured`, but by an earlier process of this agent: it asks for configuration and tries again. */
    resumed: z.boolean().optional(),
    /** Tries it has received and not yet reported as ended or returned. */
    held: z.array(attemptRef),
    /** What the node says of itself, for errors and remarks (`not root: tasks run as user x`). */
    remarks: z.array(z.string()),
    ipAddress: z.string().optional(),
    /** Highest number among the events it still has to deliver; 0: none. */
    lastSequence: z.int().optional(),
  }),
  z.object({ type: z.literal('heartbeat'), number: z.int(), metrics: NodeMetrics.optional() }),
  z.object({ type: z.literal('events'), events: z.array(SequencedEvent) }),
  z.object({ type: z.literal('response'), id: z.string(), response: AgentResponse }),
]);
export type ToController = z.infer<typeof ToController>;

export const ToAgent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('welcome'),
    heartbeatIntervalMs: z.number(),
    /** Highest event number already durable: older ones are dropped from the spool. */
    acknowledged: z.int(),
  }),
  z.object({ type: z.literal('configure'), configuration: NodeConfiguration }),
  z.object({ type: z.literal('assign'), assignments: z.array(Assignment) }),
  /** Kill these tries and report each as ended with `stopped`; one it does not hold is ignored. */
  z.object({ type: z.literal('stop'), attempts: z.array(attemptRef) }),
  /** Every part is coordinated: these primaries run their command lines. May come again. */
  z.object({ type: z.literal('proceed'), attempts: z.array(attemptRef) }),
  z.object({ type: z.literal('acknowledge'), sequence: z.int() }),
  z.object({ type: z.literal('lease'), heartbeat: z.int(), leaseMs: z.number() }),
  z.object({ type: z.literal('request'), id: z.string(), request: AgentRequest }),
  /** Delete these directories below the node's root (a deleted task or job). */
  z.object({ type: z.literal('removeDirectories'), directories: z.array(z.string()) }),
]);
export type ToAgent = z.infer<typeof ToAgent>;

/** One frame to the agent. */
export const FrameToAgent = z.array(ToAgent).min(1);
export type FrameToAgent = z.infer<typeof FrameToAgent>;
