/** Every number the agent's core decides by, in one place. Milliseconds unless named otherwise. */

/** A try that waited this long while no slot came free goes back to the controller. */
export const WAIT_FOR_SLOT_MAX_MS = 200;
/** Between SIGTERM and SIGKILL when the controller stops a try. */
export const KILL_GRACE_MS = 2_000;
/** The part of a lease that is kept for killing: tries die at lease minus margin. */
export const LEASE_MARGIN_PART = 0.2;
export const LEASE_MARGIN_MAX_MS = 5_000;
/** Heartbeats without any answer after which the link counts as dead. */
export const UNANSWERED_HEARTBEATS_MAX = 3;
/** Events in one message. */
export const EVENTS_PER_MESSAGE_MAX = 1_000;
/** Pause before the start task runs again; doubles with each retry up to the second figure. */
export const START_TASK_RETRY_MS = 100;
export const START_TASK_RETRY_MAX_MS = 10_000;
