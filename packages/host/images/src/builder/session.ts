import type { LoneCompartment } from '@cloister/launcher';
import {
  type BuilderJob,
  ChannelClosed,
  converse,
  type FromBuilder,
  fromBuilder,
  PIECE_BYTES_MAX,
  type ToBuilder,
  toBuilder,
} from '@cloister/protocol';
import type { ByteSource } from '../collect.ts';
import { fail } from '../failure.ts';
import { printable } from '../printable.ts';
import { Refusal } from './refusal.ts';

export type Answer = Exclude<FromBuilder, { readonly kind: 'done' | 'failed' }>;

/** A builder at work for one purpose. What it answers is as hostile as what it was given. */
export interface Session {
  /**
   * The answers to one job. Leaving them early ends the builder. Throws `Refusal` for what the builder refuses,
   * `aborted`, `damaged-download` when the builder breaks or breaks the protocol, and what `input` throws.
   */
  run(job: BuilderJob, input: ByteSource): AsyncGenerator<Answer, void, undefined>;
  /** It has answered what cannot be: it is ended, and its job with `damaged-download`. */
  distrust(): never;
  end(): void;
}

export interface SessionOptions {
  /** What the builder reads, for the user. */
  readonly what: string;
  readonly signal: AbortSignal | undefined;
  /** How long it may take no input and give no answer, in milliseconds. */
  readonly silenceMs?: number;
}

/** Many times what the longest step takes on a busy host; a builder that hangs is ended by its launcher before. */
const SILENCE_MS = 60_000;

export function openSession(builder: LoneCompartment, options: SessionOptions): Session {
  const { what, signal, silenceMs = SILENCE_MS } = options;
  const talk = converse(builder.channel);
  let verdict: string | undefined;
  const end = (why: string): void => {
    verdict ??= why;
    builder.end();
    builder.channel.close(why);
  };
  const abort = (): void => end('it was interrupted');
  signal?.addEventListener('abort', abort, { once: true });
  const send = (message: ToBuilder): Promise<void> => talk.send(toBuilder.encode(message));

  const broken = async (): Promise<never> => {
    if (signal?.aborted === true) fail('aborted', 'Interrupted');
    // If it only closed its channel, it is ended here.
    builder.end();
    const how = verdict ?? (await builder.ended);
    return fail('damaged-download', `The builder failed over ${what} (${printable(how)})`);
  };
  const distrust = (): never => {
    end('it broke the protocol');
    return fail('damaged-download', `The builder failed over ${what} (it broke the protocol)`);
  };

  async function* run(job: BuilderJob, input: ByteSource): AsyncGenerator<Answer, void, undefined> {
    let answered = false;
    let inputError: unknown;
    const clock = setTimeout(() => end('it did not answer'), silenceMs);
    const feed = async (): Promise<void> => {
      for await (const chunk of input) {
        for (let at = 0; at < chunk.length && !answered; at += PIECE_BYTES_MAX) {
          await send({ kind: 'input', bytes: chunk.subarray(at, at + PIECE_BYTES_MAX) });
          clock.refresh();
        }
        if (answered) break;
      }
      await send({ kind: 'input.end' });
    };
    try {
      await send(job);
      const fed = feed().catch((error: unknown) => {
        if (error instanceof ChannelClosed) return;
        inputError = error;
        end('its input cannot be read');
      });
      for (;;) {
        const answer = fromBuilder.decode(await talk.next()) ?? distrust();
        if (answer.kind === 'done' || answer.kind === 'failed') {
          answered = true;
          // The job is over when the rest of its input is out of the way.
          await fed;
          if (answer.kind === 'failed') throw new Refusal(answer.refusal, printable(answer.text, 300));
          return;
        }
        // While somebody works on an answer the builder is not waited for.
        clock.refresh();
        yield answer;
        clock.refresh();
      }
    } catch (error) {
      if (!(error instanceof ChannelClosed)) throw error;
      if (inputError !== undefined) throw inputError;
      await broken();
    } finally {
      clearTimeout(clock);
      if (!answered) end('it was left');
    }
  }
  return {
    run,
    distrust,
    end() {
      signal?.removeEventListener('abort', abort);
      end('it has ended');
    },
  };
}
