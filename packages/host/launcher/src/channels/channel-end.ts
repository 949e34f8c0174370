import {
  CHANNEL_QUEUE_BYTES_MAX,
  CHANNEL_WINDOW_BYTES,
  type ChannelListener,
  FRAME_BYTES_MAX,
  FRAME_COST_BYTES,
  type Link,
} from '@cloister/protocol';

/** What carries a channel: hands frames, returned credit and the end to the far `ChannelEnd`, in order. */
export interface Carrier {
  frame(frame: Uint8Array): void;
  credit(bytes: number): void;
  close(reason: string): void;
  /** The next frames are for another far end. */
  renew?(epoch: Uint8Array): void;
}

/** One end of a channel, and what its carrier calls with what arrives; never within a `send` of the far end. */
export interface ChannelEnd {
  readonly channel: Link;
  frameArrived(frame: Uint8Array): void;
  creditArrived(bytes: number): void;
  /** The far end, or what lies between, has gone. */
  closeArrived(reason: string): void;
}

const cost = (frame: Uint8Array): number => frame.length + FRAME_COST_BYTES;

/** Credit and order are here once, whatever carries the frames. */
export function createChannelEnd(carrier: Carrier): ChannelEnd {
  const waiting: Uint8Array[] = [];
  const held: Uint8Array[] = [];
  let waitingBytes = 0;
  let credit = CHANNEL_WINDOW_BYTES;
  let granted = CHANNEL_WINDOW_BYTES;
  let toReturn = 0;
  let listener: ChannelListener | undefined;
  let closed: string | undefined;
  /** Credit for what an earlier far end sent is void. */
  let renewals = 0;

  const end = (reason: string): void => {
    if (closed !== undefined) return;
    closed = reason;
    waiting.length = 0;
    waitingBytes = 0;
    listener?.closed?.(reason);
  };

  const close = (reason: string): void => {
    if (closed !== undefined) return;
    carrier.close(reason);
    end(reason);
  };

  const failed = (error: unknown): void =>
    close(`The receiver failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);

  const giveBack = (bytes: number): void => {
    toReturn += bytes;
    if (toReturn < CHANNEL_WINDOW_BYTES / 4 || closed !== undefined) return;
    granted += toReturn;
    carrier.credit(toReturn);
    toReturn = 0;
  };

  const deliver = (frame: Uint8Array): void => {
    try {
      const taken = listener!.frame(frame);
      if (!(taken instanceof Promise)) {
        giveBack(cost(frame));
        return;
      }
      const here = renewals;
      const unlessRenewed =
        <T>(then: (value: T) => void) =>
        (value: T): void => {
          if (here === renewals) then(value);
        };
      taken.then(
        unlessRenewed(() => giveBack(cost(frame))),
        unlessRenewed(failed),
      );
    } catch (error) {
      failed(error);
    }
  };

  const channel: Link = {
    send(frame) {
      if (frame.length > FRAME_BYTES_MAX) throw new RangeError(`A frame of ${frame.length} bytes is too long`);
      if (closed !== undefined) return;
      if (waiting.length === 0 && cost(frame) <= credit) {
        credit -= cost(frame);
        carrier.frame(frame);
        return;
      }
      waiting.push(frame);
      waitingBytes += frame.length;
      if (waitingBytes > CHANNEL_QUEUE_BYTES_MAX) close('The peer does not take its frames');
    },
    get queuedBytes() {
      return waitingBytes;
    },
    get closed() {
      return closed;
    },
    listen(next) {
      listener = next;
      for (let frame = held.shift(); frame !== undefined; frame = held.shift()) deliver(frame);
      if (closed !== undefined) listener.closed?.(closed);
    },
    close,
    renew(epoch) {
      carrier.renew?.(epoch);
      renewals += 1;
      waiting.length = 0;
      held.length = 0;
      waitingBytes = 0;
      credit = CHANNEL_WINDOW_BYTES;
      granted = CHANNEL_WINDOW_BYTES;
      toReturn = 0;
      closed = undefined;
      listener?.renewed?.();
    },
  };

  return {
    channel,
    frameArrived(frame) {
      if (closed !== undefined) return;
      granted -= cost(frame);
      if (granted < 0) close('The peer sent more than its credit');
      else if (listener === undefined) held.push(frame);
      else deliver(frame);
    },
    creditArrived(bytes) {
      credit += bytes;
      if (credit > CHANNEL_WINDOW_BYTES) {
        close('The peer returned more credit than it was owed');
        return;
      }
      const had = waiting.length > 0;
      while (waiting.length > 0 && cost(waiting[0]!) <= credit) {
        const frame = waiting.shift()!;
        waitingBytes -= frame.length;
        credit -= cost(frame);
        carrier.frame(frame);
      }
      if (had && waiting.length === 0) listener?.drained?.();
    },
    closeArrived: end,
  };
}
