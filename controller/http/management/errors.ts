/** A refusal in the management plane that the data plane has no code for. */
export class ManagementError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly target?: string,
  ) {
    super(message);
    this.name = 'ManagementError';
  }
}

export const resourceNotFound = (what: string) =>
  new ManagementError(404, 'ResourceNotFound', `The resource ${what.slice(0, 200)} was not found.`);

export const badRequest = (code: string, message: string, target?: string) =>
  new ManagementError(400, code, message, target);
