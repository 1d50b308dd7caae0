/** Why an import can't succeed as it was asked for. */
export class ImportFailure extends Error {
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'ImportFailure';
  }
}
