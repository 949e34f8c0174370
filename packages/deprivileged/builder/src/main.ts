import {
  type BuilderJob,
  type Channel,
  ChannelClosed,
  converse,
  type FromBuilder,
  fromBuilder,
  toBuilder,
} from '@cloister/protocol';
import { BuilderError } from './failure.ts';
import { createWorkbench } from './workbench.ts';

/** Does the jobs that come over the channel, until it closes. @throws what is a bug of the builder */
export async function serve(channel: Channel): Promise<void> {
  const talk = converse(channel);
  const send = (message: FromBuilder): Promise<void> => talk.send(fromBuilder.encode(message));
  const carryOut = createWorkbench();
  const listen = async () => toBuilder.decode(await talk.next());

  const serveJob = async (job: BuilderJob): Promise<void> => {
    let ended = false;
    // One after the other: what reads ahead may still wait for a piece when its job is over.
    let last: Promise<Uint8Array | undefined> = Promise.resolve(undefined);
    const readPiece = async (): Promise<Uint8Array | undefined> => {
      if (ended) return undefined;
      const message = await listen();
      if (message?.kind === 'input') return message.bytes;
      if (message?.kind !== 'input.end') channel.close('A malformed piece of input');
      ended = true;
      return undefined;
    };
    const nextPiece = (): Promise<Uint8Array | undefined> => {
      last = last.then(readPiece);
      return last;
    };
    async function* input(): AsyncGenerator<Uint8Array, void, undefined> {
      for (let piece = await nextPiece(); piece !== undefined; piece = await nextPiece()) yield piece;
    }
    try {
      for await (const answer of carryOut(job, input())) await send(answer);
      await send({ kind: 'done' });
    } catch (error) {
      if (!(error instanceof BuilderError)) throw error;
      await send({ kind: 'failed', refusal: error.code, text: error.message.slice(0, 1000) });
    }
    while (!ended) await nextPiece();
  };

  try {
    for (;;) {
      const job = await listen();
      if (job === undefined || job.kind === 'input' || job.kind === 'input.end') channel.close('A malformed job');
      else await serveJob(job);
    }
  } catch (error) {
    if (!(error instanceof ChannelClosed)) throw error;
  }
}
