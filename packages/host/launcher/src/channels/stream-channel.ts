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
    // What one turn sends goes to the pipe at once.
    stream.cork();
    stream.write(encodeRecordHeader(kind, contents.length));
    stream.write(contents);
    process.nextTick(() => stream.uncork());
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
  // Chunks that came, and how many bytes there must be before there is something to take.
  let chunks: Buffer[] = [];
  let length = 0;
  let wanted = STREAM_PREAMBLE.length;
  let preamble = false;
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length < wanted) return;
    const bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks, length);
    let at = 0;
    if (!preamble) {
      at = STREAM_PREAMBLE.length;
      preamble = STREAM_PREAMBLE.every((byte, i) => bytes[i] === byte);
      if (!preamble) {
        end.channel.close('The peer speaks another version of the channel');
        return;
      }
    }
    at = takeRecords(bytes, at, end);
    chunks = [bytes.subarray(at)];
    length = bytes.length - at;
    wanted = recordBytes(bytes, at);
  });
  stream.on('error', (error) => end.closeArrived(`The pipe failed: ${error.message}`));
  stream.on('close', () => end.closeArrived('The pipe closed'));
  return end.channel;
}

/** Bytes of the record that begins at `at`, as far as its header is there to say. */
function recordBytes(bytes: Buffer, at: number): number {
  const header = decodeRecordHeader(bytes.subarray(at, at + RECORD_HEADER_BYTES));
  return RECORD_HEADER_BYTES + (header?.length ?? 0);
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
