import type { BuilderEvent, Channel } from '@cloister/protocol';
import { streamChannel } from '../channels/stream-channel.ts';
import { writeLine } from '../lines.ts';
import { readLines } from '../read-lines.ts';
import { connectToolstack } from './connect.ts';
import { attach } from './deposit.ts';
import { LaunchError } from './launch-error.ts';

/** A builder that runs: a process in its sandbox with nothing but this channel. */
export interface RunningBuilder {
  readonly channel: Channel;
  /** Resolves once it is gone: how, in words. */
  readonly ended: Promise<string>;
  /** Ends it, whatever it is doing. */
  end(): void;
}

export type StartBuilder = () => Promise<RunningBuilder>;

/** Starts a builder through this user's toolstack. @throws LaunchError */
export const startBuilder: StartBuilder = async () => {
  const owner = await connectToolstack({ start: true });
  const next = readLines(owner);
  const listen = async (): Promise<BuilderEvent> =>
    JSON.parse((await next()) ?? '{"ended":"the toolstack is gone"}') as BuilderEvent;
  try {
    const { id, socket: link } = await attach();
    writeLine(owner, { do: 'build', client: id });
    const first = await listen();
    if (!('epoch' in first)) {
      const reason = 'refused' in first ? first.refused : first.ended;
      throw new LaunchError('failed', `The builder does not start: ${reason}`);
    }
    const channel = streamChannel(link, Buffer.from(first.epoch, 'base64'), 'told');
    const ended = listen().then((event) => {
      const how = 'ended' in event ? event.ended : 'the toolstack is gone';
      channel.close(`The builder is gone: ${how}`);
      owner.destroy();
      link.destroy();
      return how;
    });
    return { channel, ended, end: () => void owner.end() };
  } catch (error) {
    owner.destroy();
    throw error;
  }
};
