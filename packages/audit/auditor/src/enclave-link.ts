import type { LoneCompartment } from '@cloister/launcher';
import {
  ChannelClosed,
  converse,
  type EnclaveFailure,
  type FromEnclave,
  fromEnclave,
  type ToEnclave,
  toEnclave,
} from '@cloister/protocol';
import { type AuditErrorCode, fail } from './audit-error.ts';

const CODES: Readonly<Record<EnclaveFailure, AuditErrorCode>> = {
  key: 'bad-key',
  state: 'bad-state',
  'rolled-back': 'rolled-back',
  length: 'enclave-failed',
  content: 'enclave-failed',
  request: 'enclave-failed',
  scheme: 'bad-scheme',
  full: 'too-many',
  envelope: 'bad-envelope',
};

export type Answer = Exclude<FromEnclave, { readonly kind: 'done' | 'failed' }>;
/** What an enclave did not do. */
export interface Failed {
  readonly kind: 'failed';
  readonly failure: EnclaveFailure;
  readonly text: string;
}

/** An enclave at work, from its client's side. */
export interface EnclaveLink {
  send(message: ToEnclave): Promise<void>;
  /** The next message. @throws AuditError `enclave-failed` if it has ended */
  next(): Promise<FromEnclave>;
  /** Sends a job and hands each of its answers over. @throws AuditError for a job that failed */
  run(job: ToEnclave, answered?: (answer: Answer) => void | Promise<void>): Promise<void>;
  /** The answers to a job that was sent already. @throws AuditError for a job that failed */
  finish(answered?: (answer: Answer) => void | Promise<void>): Promise<void>;
  end(): Promise<void>;
}

export function linkTo(enclave: LoneCompartment): EnclaveLink {
  const talk = converse(enclave.channel);
  async function broken(error: unknown): Promise<never> {
    if (!(error instanceof ChannelClosed)) throw error;
    enclave.end();
    return fail('enclave-failed', `The enclave ended: ${await enclave.ended}`);
  }
  const link: EnclaveLink = {
    send: (message) => talk.send(toEnclave.encode(message)).catch(broken),
    async next() {
      const message = fromEnclave.decode(await talk.next().catch(broken));
      return message ?? fail('enclave-failed', 'The enclave said what is no message');
    },
    async run(job, answered) {
      await link.send(job);
      await link.finish(answered);
    },
    async finish(answered) {
      for (;;) {
        const message = await link.next();
        if (message.kind === 'done') return;
        if (message.kind === 'failed') failed(message);
        await answered?.(message);
      }
    },
    async end() {
      enclave.end();
      await enclave.ended;
    },
  };
  return link;
}

export function failed({ failure, text }: Failed): never {
  return fail(CODES[failure], text);
}
