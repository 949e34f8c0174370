import type { Duplex } from 'node:stream';
import { decodeRecordHeader, greetingOf, type Link, RECORD_HEADER_BYTES, type RecordKind } from '@cloister/protocol';
import { type ChannelEnd, createChannelEnd } from './channel-end.ts';
import { createOutbox, type WriteNow } from './outbox.ts';

/**
 * A channel over a byte stream in both directions, such as an inherited socket, whose other end may be replaced. The
 * stream stays open when the channel closes: its next epoch runs over it, too.
 * Its bytes are copied before a `data` listener returns: the stream may use their memory again.
 * @param role `new` waits for the far end's greeting; `told` knows that the far end is there, and greets
 * @param writeNow writes past the stream, which is told of nothing
 */
export function streamChannel(
  stream: Duplex,
  epoch: Uint8Array,
  role: 'new' | 'told' = 'new',
  writeNow?: WriteNow,
): Link {
  /** The greeting that must come before anything counts; undefined once it has. */
  let awaited: Uint8Array | undefined;
  /** What came and is no whole header, or could be a part of the greeting. */
  let rest: Buffer = NOTHING;
  /** The record that is under way, and how much of it is there. */
  let record: { readonly kind: RecordKind; readonly contents: Uint8Array<ArrayBuffer>; filled: number } | undefined;
  const outbox = createOutbox(stream, writeNow);

  const awaitGreeting = (next: Uint8Array): void => {
    awaited = greetingOf(next);
    record = undefined;
    rest = NOTHING;
    outbox.hold();
  };
  const end = createChannelEnd({
    frame: (frame) => outbox.post('frame', frame),
    credit(bytes) {
      const contents = new Uint8Array(4);
      new DataView(contents.buffer).setUint32(0, bytes, true);
      outbox.post('credit', contents);
    },
    close(reason) {
      outbox.post('close', new TextEncoder().encode(reason).subarray(0, 1024));
      // Whoever closes may end the stream next.
      outbox.flush();
    },
    renew(next) {
      awaitGreeting(next);
      outbox.open(awaited!);
    },
  });

  /** What follows the greeting, or undefined while it has not come whole. */
  const afterGreeting = (bytes: Buffer): Buffer | undefined => {
    if (awaited === undefined) return bytes;
    const found = bytes.indexOf(awaited);
    if (found < 0) {
      rest = Buffer.from(bytes.subarray(Math.max(0, bytes.length - awaited.length + 1)));
      return undefined;
    }
    const after = bytes.subarray(found + awaited.length);
    if (outbox.holds) outbox.open(awaited);
    awaited = undefined;
    return after;
  };
  /** Takes what begins at `at`; returns where the next begins. Without views of the parts, which take longer than their copies. */
  const takeNext = (bytes: Buffer, at: number): number => {
    let from = at;
    if (record === undefined) {
      const header = decodeRecordHeader(bytes, at);
      if (header === undefined) {
        if (bytes.length < at + RECORD_HEADER_BYTES) rest = Buffer.from(bytes.subarray(at));
        else end.channel.close('The peer sent a malformed record');
        return bytes.length;
      }
      record = { kind: header.kind, contents: new Uint8Array(header.length), filled: 0 };
      from += RECORD_HEADER_BYTES;
    }
    const { kind, contents, filled } = record;
    const count = bytes.copy(contents, filled, from);
    record.filled += count;
    if (record.filled === contents.length) {
      record = undefined;
      arrived(end, kind, contents);
    }
    return from + count;
  };

  awaitGreeting(epoch);
  if (role === 'told') outbox.open(awaited!);
  stream.on('data', (chunk: Buffer) => {
    const bytes = afterGreeting(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]));
    if (bytes === undefined) return;
    rest = NOTHING;
    for (let at = 0; at < bytes.length && end.channel.closed === undefined; ) at = takeNext(bytes, at);
  });
  // It may have been paused so that nothing is lost before this listens.
  stream.resume();
  stream.on('error', (error) => end.closeArrived(`The pipe failed: ${error.message}`));
  stream.on('close', () => end.closeArrived('The pipe closed'));
  return end.channel;
}

const NOTHING: Buffer = Buffer.alloc(0);

function arrived(end: ChannelEnd, kind: RecordKind, contents: Uint8Array<ArrayBuffer>): void {
  if (kind === 'frame') end.frameArrived(contents);
  else if (kind === 'credit') end.creditArrived(new DataView(contents.buffer).getUint32(0, true));
  else end.closeArrived(Buffer.from(contents).toString('utf8'));
}
