import type { Duplex } from 'node:stream';
import {
  decodeRecordHeader,
  encodeRecordHeader,
  greetingOf,
  type Link,
  RECORD_HEADER_BYTES,
  type RecordKind,
} from '@cloister/protocol';
import { type ChannelEnd, createChannelEnd } from './channel-end.ts';

/**
 * A channel over a byte stream in both directions, such as an inherited socket, whose other end may be replaced. The
 * stream stays open when the channel closes: its next epoch runs over it, too.
 */
export function streamChannel(stream: Duplex, epoch: Uint8Array): Link {
  /** The greeting that must come before anything counts; undefined once it has. */
  let awaited: Uint8Array | undefined;
  let chunks: Buffer[] = [];
  let length = 0;
  /** How many bytes there must be before there is something to take. */
  let wanted = 0;

  const write = (bytes: Uint8Array, contents?: Uint8Array): void => {
    if (!stream.writable) return;
    // What one turn sends goes to the pipe at once.
    stream.cork();
    stream.write(bytes);
    if (contents !== undefined) stream.write(contents);
    process.nextTick(() => stream.uncork());
  };
  const record = (kind: RecordKind, contents: Uint8Array): void =>
    write(encodeRecordHeader(kind, contents.length), contents);
  const greet = (next: Uint8Array): void => {
    awaited = greetingOf(next);
    wanted = length + 1;
    write(awaited);
  };
  const end = createChannelEnd({
    frame: (frame) => record('frame', frame),
    credit(bytes) {
      const contents = new Uint8Array(4);
      new DataView(contents.buffer).setUint32(0, bytes, true);
      record('credit', contents);
    },
    close: (reason) => record('close', new TextEncoder().encode(reason).subarray(0, 1024)),
    renew: greet,
  });
  const keep = (rest: Buffer): void => {
    chunks = [rest];
    length = rest.length;
  };

  greet(epoch);
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length < wanted) return;
    const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length);
    let at = 0;
    if (awaited !== undefined) {
      const found = bytes.indexOf(awaited);
      if (found < 0) {
        keep(bytes.subarray(Math.max(0, bytes.length - awaited.length + 1)));
        wanted = length + 1;
        return;
      }
      at = found + awaited.length;
      awaited = undefined;
    }
    keep(bytes.subarray(takeRecords(bytes, at, end)));
    wanted = recordBytes(chunks[0]!);
  });
  // It may have been paused so that nothing is lost before this listens.
  stream.resume();
  stream.on('error', (error) => end.closeArrived(`The pipe failed: ${error.message}`));
  stream.on('close', () => end.closeArrived('The pipe closed'));
  return end.channel;
}

/** Bytes of the record that begins `bytes`, as far as its header is there to say. */
function recordBytes(bytes: Buffer): number {
  const header = decodeRecordHeader(bytes.subarray(0, RECORD_HEADER_BYTES));
  return RECORD_HEADER_BYTES + (header?.length ?? 0);
}

/** Hands over the whole records from `at` on; returns where the first one lies that is not whole yet. */
function takeRecords(bytes: Buffer, at: number, end: ChannelEnd): number {
  while (bytes.length - at >= RECORD_HEADER_BYTES) {
    if (end.channel.closed !== undefined) return bytes.length;
    const header = decodeRecordHeader(bytes.subarray(at, at + RECORD_HEADER_BYTES));
    if (header === undefined) {
      end.channel.close('The peer sent a malformed record');
      return bytes.length;
    }
    const from = at + RECORD_HEADER_BYTES;
    if (bytes.length - from < header.length) break;
    at = from + header.length;
    const contents = bytes.subarray(from, at);
    if (header.kind === 'frame') end.frameArrived(new Uint8Array(contents));
    else if (header.kind === 'credit') end.creditArrived(contents.readUInt32LE(0));
    else end.closeArrived(contents.toString('utf8'));
  }
  return at;
}
