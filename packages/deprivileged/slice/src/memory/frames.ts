import { FRAME_BYTES, type Platform } from '@cloister/protocol';
import type { HypeletFunctions } from '../hypelet.ts';

/** Which frames the VM has: all, from its launch on, but those that `reclaim` took back. */
export interface Frames {
  /** At the launch: one call, however much RAM there is. */
  giveAll(): Promise<unknown>;
  /** The guest needs the frame at this guest physical address. */
  give(address: number): Promise<unknown>;
  /** Takes a frame back while no hart runs; its sealed contents wait here until the guest wants it again. */
  reclaim(frame: number): Promise<void>;
}

const NOTHING = new Uint8Array(0);

export function createFrames(call: HypeletFunctions, { ramBase, ramBytes }: Platform): Frames {
  const sealed = new Map<number, Uint8Array>();
  return {
    giveAll: () => call['frame.map']({ operation: 'zero', frame: 0, count: ramBytes / FRAME_BYTES, sealed: NOTHING }),
    give(address) {
      const frame = (address - ramBase) / FRAME_BYTES;
      const contents = sealed.get(frame);
      sealed.delete(frame);
      return contents === undefined
        ? call['frame.map']({ operation: 'zero', frame, count: 1, sealed: NOTHING })
        : call['frame.map']({ operation: 'restore', frame, count: 1, sealed: contents });
    },
    async reclaim(frame) {
      const taken = await call['frame.map']({ operation: 'take', frame, count: 1, sealed: NOTHING });
      // A view of a frame of the channel.
      sealed.set(frame, taken.sealed.slice());
    },
  };
}
