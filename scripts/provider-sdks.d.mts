/** Whether there is a Go to build with. */
export function hasGo(): boolean;
/** Makes the SDKs where they aren't yet: the Go program, and the folder of the Node SDK's sources. */
export function obtainSdks(
  say?: (line: string) => void,
): Promise<{ program: string; nodejs: string }>;
