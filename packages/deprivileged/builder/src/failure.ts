/**
 * Why hostile input was refused. Closed, so that callers can map each to one line for the user:
 * `truncated` ends before it says it ends; `malformed` breaks its format; `unsupported` is well-formed but not read here;
 * `too-large` exceeds a bound that the caller set; `not-found` lacks the part that was asked for; `bad-signature` has no
 * good signature by a trusted key; `expired` is signed only by keys or signatures that are no longer valid.
 */
export type BuilderErrorCode =
  | 'truncated'
  | 'malformed'
  | 'unsupported'
  | 'too-large'
  | 'not-found'
  | 'bad-signature'
  | 'expired';

/** The one error that the builder's parsers throw for bad input; anything else is a bug in the builder. */
export class BuilderError extends Error {
  override readonly name = 'BuilderError';
  readonly code: BuilderErrorCode;

  constructor(code: BuilderErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Shorthand for `throw`-expressions: `value ?? refuse('malformed', '…')`. */
export function refuse(code: BuilderErrorCode, message: string, cause?: unknown): never {
  throw new BuilderError(code, message, cause === undefined ? undefined : { cause });
}
