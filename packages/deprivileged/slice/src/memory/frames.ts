import { FRAME_BYTES, type Platform } from '@cloister/protocol';
import type { HypeletFunctions } from '../hypelet.ts';

/** Which frames the VM has: all, from its launch on, but those that `reclaim` took back. */
export interface Frames {
  /** At the launch: one call, however much RAM there is. */
  giveAll(): Promise<unknown>;
  /** The guest needs the frame at this guest physical address; `asked` is called once the machine is told to give it. */
  give(address: number, asked: () => void): Promise<unknown>;
  /** Takes a frame back while no hart runs; its sealed contents wait here until the guest wants it again. */
  reclaim(frame: number): Promise<unknown>;
}

const NOTHING = new Uint8Array(0);

export function createFrames(call: HypeletFunctions, { ramBase, ramBytes }: Platform): Frames {
  const outside = new Map<number, Promise<Uint8Array>>();
  return {
    giveAll: () => call['frame.map']({ operation: 'zero', frame: 0, count: ramBytes / FRAME_BYTES, sealed: NOTHING }),
    async give(address, asked) {
      const frame = (address - ramBase) / FRAME_BYTES;
      const taken = outside.get(frame);
      outside.delete(frame);
      const sealed = taken === undefined ? NOTHING : await taken;
      const given = call['frame.map']({ operation: taken === undefined ? 'zero' : 'restore', frame, count: 1, sealed });
      asked();
      return given;
    },
    reclaim(frame) {
      const before = outside.get(frame);
      if (before !== undefined) return before;
      const taken = call['frame.map']({ operation: 'take', frame, count: 1, sealed: NOTHING });
      // A view of a frame of the channel.
      const contents = taken.then(({ sealed }) => sealed.slice());
      outside.set(frame, contents);
      contents.catch(() => outside.delete(frame));
      return contents;
    },
  };
}
