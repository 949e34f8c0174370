import type { RefusalCode } from '@cloister/protocol';

/** What a builder says of input that it refuses, in words that a terminal may show. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}
