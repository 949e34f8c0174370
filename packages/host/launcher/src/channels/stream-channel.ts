import type { Duplex } from 'node:stream';
import {
  type Channel,
  decodeRecordHeader,
  encodeRecordHeader,
  RECORD_HEADER_BYTES,
  type RecordKind,
  STREAM_PREAMBLE,
} from '@cloister/protocol';
import { type ChannelEnd, createChannelEnd } from './channel-end.ts';

/** A channel over a byte stream in both directions, such as a child process's pipe. The stream is the channel's own. */
export function streamChannel(stream: Duplex): Channel {
  const write = (kind: RecordKind, contents: Uint8Array): void => {
    if (!stream.writable) return;
    stream.write(encodeRecordHeader(kind, contents.length));
    stream.write(contents);
  };
  const end = createChannelEnd({
    frame: (frame) => write('frame', frame),
    credit(bytes) {
      const contents = new Uint8Array(4);
      new DataView(contents.buffer).setUint32(0, bytes, true);
      write('credit', contents);
    },
    close(reason) {
      write('close', new TextEncoder().encode(reason).subarray(0, 1024));
      stream.end();
    },
  });
  stream.write(STREAM_PREAMBLE);
  let rest: Buffer = Buffer.alloc(0);
  let preamble = false;
  stream.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    if (!preamble) {
      if (rest.length < STREAM_PREAMBLE.length) return;
      at = STREAM_PREAMBLE.length;
      preamble = STREAM_PREAMBLE.every((byte, i) => rest[i] === byte);
      if (!preamble) {
        end.channel.close('The peer speaks another version of the channel');
        return;
      }
    }
    at = takeRecords(rest, at, end);
    rest = rest.subarray(at);
  });
  stream.on('error', (error) => end.closeArrived(`The pipe failed: ${error.message}`));
  stream.on('close', () => end.closeArrived('The pipe closed'));
  return end.channel;
}

/** Hands over the whole records from `at` on; returns where the first one lies that is not whole yet. */
function takeRecords(bytes: Buffer, at: number, end: ChannelEnd): number {
  while (bytes.length - at >= RECORD_HEADER_BYTES && end.channel.closed === undefined) {
    const header = decodeRecordHeader(bytes.subarray(at, at + RECORD_HEADER_BYTES));
    if (header === undefined) {
      end.channel.close('The peer sent a malformed record');
      break;
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
