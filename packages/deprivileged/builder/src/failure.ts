import type { RefusalCode } from '@cloister/protocol';

/** The one error that the builder's parsers throw for bad input; anything else is a bug in the builder. */
export class BuilderError extends Error {
  override readonly name = 'BuilderError';
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Shorthand for `throw`-expressions: `value ?? refuse('malformed', '…')`. */
export function refuse(code: RefusalCode, message: string, cause?: unknown): never {
  throw new BuilderError(code, message, cause === undefined ? undefined : { cause });
}
