/** The backend of the object store fails or can't be reached; never holds a request or its credentials. */
export class ObjectStoreFailure extends Error {
  /** `ServerBusy`: it may go by itself; every plane answers 503 to it. */
  readonly code: 'ServerBusy' | undefined;

  constructor(
    message: string,
    /** HTTP status of the backend's answer; absent: it gave none. */
    readonly status: number | undefined,
    /** The backend's own word for it. */
    readonly reason?: string,
  ) {
    super(message);
    this.code = status === undefined || status >= 500 || status === 429 ? 'ServerBusy' : undefined;
    this.name = 'ObjectStoreFailure';
  }
}

/** Whether the backend answered that there is nothing. */
export const isMissing = (error: unknown): error is ObjectStoreFailure =>
  error instanceof ObjectStoreFailure && error.status === 404;
