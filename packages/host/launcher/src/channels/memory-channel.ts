import type { Channel } from '@cloister/protocol';
import { type Carrier, type ChannelEnd, createChannelEnd } from './channel-end.ts';

/** A channel between two compartments of one process: bytes are copied, and arrive in a later turn of the loop. */
export function memoryChannel(): readonly [Channel, Channel] {
  const ends: [ChannelEnd, ChannelEnd] = [
    createChannelEnd(carrierTo(() => ends[1])),
    createChannelEnd(carrierTo(() => ends[0])),
  ];
  return [ends[0].channel, ends[1].channel];
}

function carrierTo(far: () => ChannelEnd): Carrier {
  let arriving: (() => void)[] = [];
  const post = (arrive: () => void): void => {
    if (arriving.push(arrive) > 1) return;
    setImmediate(() => {
      const batch = arriving;
      arriving = [];
      for (const next of batch) next();
    });
  };
  return {
    frame(frame) {
      const copy = frame.slice();
      post(() => far().frameArrived(copy));
    },
    credit: (bytes) => post(() => far().creditArrived(bytes)),
    close: (reason) => post(() => far().closeArrived(reason)),
  };
}
