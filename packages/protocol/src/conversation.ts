import type { Channel } from './channel.ts';

/** The other end is gone, and all that it sent before was taken. */
export class ChannelClosed extends Error {
  override readonly name = 'ChannelClosed';
}

/**
 * A channel between two ends that take turns: what is sent waits until there is room for it, what comes waits until it
 * is asked for, and holds up its sender by the channel's own credit. Both throw `ChannelClosed`.
 */
export interface Conversation {
  send(frame: Uint8Array): Promise<void>;
  next(): Promise<Uint8Array>;
}

export function converse(channel: Channel): Conversation {
  const arrived: { readonly frame: Uint8Array; taken(): void }[] = [];
  const waiting: (() => void)[] = [];
  const wake = (): void => {
    for (const one of waiting.splice(0)) one();
  };
  const change = (): Promise<void> =>
    new Promise((resolve) => {
      waiting.push(resolve);
    });
  channel.listen({
    frame: (frame) =>
      new Promise((taken) => {
        arrived.push({ frame, taken });
        wake();
      }),
    drained: wake,
    closed: wake,
  });
  return {
    async send(frame) {
      channel.send(frame);
      while (channel.queuedBytes > 0) await change();
      if (channel.closed !== undefined) throw new ChannelClosed(channel.closed);
    },
    async next() {
      while (arrived.length === 0) {
        if (channel.closed !== undefined) throw new ChannelClosed(channel.closed);
        await change();
      }
      const { frame, taken } = arrived.shift()!;
      taken();
      return frame;
    },
  };
}
