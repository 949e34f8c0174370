import type { Channel, LoneEvent, LoneKind } from '@cloister/protocol';
import { streamChannel } from '../channels/stream-channel.ts';
import { writeLine } from '../lines.ts';
import { readLines } from '../read-lines.ts';
import { connectToolstack, startedBy } from './connect.ts';
import { attach } from './deposit.ts';
import { LaunchError, LauncherGone } from './launch-error.ts';

/** A compartment of no VM: a process in its sandbox with nothing but this channel. */
export interface LoneCompartment {
  readonly channel: Channel;
  /** Resolves once it is gone: how, in words. */
  readonly ended: Promise<string>;
  /** Ends it, whatever it is doing. */
  end(): void;
}

export type StartLone = () => Promise<LoneCompartment>;

/** Starts a builder through this user's toolstack. @throws LaunchError */
export const startBuilder: StartLone = () => startedBy(() => startLone('builder'));

/** Starts an enclave through this user's toolstack. @throws LaunchError */
export const startEnclave: StartLone = () => startedBy(() => startLone('enclave'));

async function startLone(kind: LoneKind): Promise<LoneCompartment> {
  const owner = await connectToolstack({ start: true });
  const next = readLines(owner);
  const listen = async (): Promise<LoneEvent | undefined> => {
    const line = await next();
    return line === undefined ? undefined : (JSON.parse(line) as LoneEvent);
  };
  try {
    const { id, socket: link } = await attach();
    writeLine(owner, { do: 'start', kind, client: id });
    const first = await listen();
    if (first === undefined) throw new LauncherGone('The toolstack is gone');
    if (!('epoch' in first)) {
      const reason = 'refused' in first ? first.refused : first.ended;
      throw new LaunchError('failed', `The ${kind} does not start: ${reason}`);
    }
    const channel = streamChannel(link, Buffer.from(first.epoch, 'base64'), 'told');
    const ended = listen().then((event) => {
      const how = event !== undefined && 'ended' in event ? event.ended : 'the toolstack is gone';
      channel.close(`The ${kind} is gone: ${how}`);
      owner.destroy();
      link.destroy();
      return how;
    });
    return { channel, ended, end: () => void owner.end() };
  } catch (error) {
    owner.destroy();
    throw error;
  }
}
