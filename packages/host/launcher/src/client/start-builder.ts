import type { Channel } from '@cloister/protocol';
import { streamChannel } from '../channels/stream-channel.ts';
import type { BuilderEvent } from '../control.ts';
import { readLines, writeLine } from '../lines.ts';
import { attach } from './attach.ts';
import { connectLauncher } from './connect.ts';
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

/** Starts a builder through this user's launcher. @throws LaunchError */
export const startBuilder: StartBuilder = async () => {
  const owner = await connectLauncher({ start: true });
  const next = readLines(owner);
  const listen = async (): Promise<BuilderEvent> =>
    JSON.parse((await next()) ?? '{"ended":"the launcher is gone"}') as BuilderEvent;
  const expected = async <K extends 'opened' | 'epoch'>(name: K): Promise<string> => {
    const event: Readonly<Record<string, string>> = await listen();
    return event[name] ?? fail(event.refused ?? event.ended ?? '');
  };
  const fail = (reason: string): never => {
    throw new LaunchError('failed', `The builder does not start: ${reason}`);
  };
  try {
    writeLine(owner, { do: 'build' });
    const token = await expected('opened');
    const link = await attach(token, token);
    writeLine(owner, {});
    const channel = streamChannel(link, Buffer.from(await expected('epoch'), 'base64'), 'told');
    const ended = listen().then((event) => {
      const how = 'ended' in event ? event.ended : 'the launcher is gone';
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
