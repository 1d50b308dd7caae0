/** Where executors say what happened outside; pino's shape, so that main passes its logger. */
export interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}
