/** Makes sure that a libvirtd answers; `running` if one did already. */
export function start(): 'running' | 'started';
/** Ends what `start` started, and nothing else. */
export function stop(): void;
/** Whether a libvirtd answers at this URI. */
export function answers(uri?: string): boolean;
