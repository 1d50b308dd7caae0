/** A start that can't be: `message` is one line that names the thing, its value and what is allowed. */
export class ConfigurationError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message.replace(/\s*\n\s*/g, '; '), options);
    this.name = 'ConfigurationError';
  }
}
