/** Version of the link between controller and agent; grows with each incompatible change. */
export const PROTOCOL_VERSION = 2;
