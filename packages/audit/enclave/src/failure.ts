import type { EnclaveFailure } from '@cloister/protocol';

/** What ends a job, and what its client is told. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly failure: EnclaveFailure;

  constructor(failure: EnclaveFailure, message: string) {
    super(message);
    this.failure = failure;
  }
}

export function refuse(failure: EnclaveFailure, message: string): never {
  throw new Refusal(failure, message);
}
