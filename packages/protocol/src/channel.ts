/** Longest frame in bytes: room for a block request's payload and its message around it. */
export const FRAME_BYTES_MAX = 256 * 1024;

/** Frame bytes that a sender may have under way before the receiver has returned credit for them. */
export const CHANNEL_WINDOW_BYTES = 4 * 1024 * 1024;

/** Bytes that may wait for credit at the sender; beyond them the channel closes, since the peer takes nothing. */
export const CHANNEL_QUEUE_BYTES_MAX = 256 * 1024 * 1024;

/** What is charged for a frame beside its bytes, so that empty frames are not free. */
export const FRAME_COST_BYTES = 64;

/**
 * The only link between two compartments. Carries frames, whole and in order, as bytes that the receiver owns: nothing
 * is shared. A frame arrives in a later turn of the event loop than its `send`. Each side may have
 * `CHANNEL_WINDOW_BYTES` under way; more waits at the sender until the receiver's listener has returned from frames.
 */
export interface Channel {
  /**
   * Sends the frame, at once or when there is credit: it is the channel's from now on, and the sender changes it no more.
   * On a closed channel it does nothing.
   * @throws RangeError when the frame is longer than `FRAME_BYTES_MAX`.
   */
  send(frame: Uint8Array): void;
  /** Bytes that wait at this side for credit. */
  readonly queuedBytes: number;
  /** Why the channel is closed, or undefined while it is open. */
  readonly closed: string | undefined;
  /** Sets who receives; frames that came before wait for it. */
  listen(listener: ChannelListener): void;
  /** Closes both ends; the peer gets what was sent before, as far as credit reached, then the reason. */
  close(reason: string): void;
}

/** A channel whose far end may be replaced: the same stream, another process at its end. */
export interface Link extends Channel {
  /**
   * The far end is another one from now on; both ends are told the same fresh `epoch` (`EPOCH_BYTES`). What was sent
   * before, and what comes before the far end's greeting, is void; a closed channel is open again. Not within `frame`.
   */
  renew(epoch: Uint8Array): void;
}

export interface ChannelListener {
  /** Credit for the frame returns when this returns, or when what it returns resolves. A throw closes the channel. */
  frame(frame: Uint8Array): void | Promise<void>;
  /** Nothing waits for credit any more. */
  drained?(): void;
  /** The far end is another one: nothing sent before reached it or ever will. */
  renewed?(): void;
  /** The channel is closed, by either end. Called once until it is renewed, and nothing after it. */
  closed?(reason: string): void;
}
