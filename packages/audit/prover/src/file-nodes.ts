import type { FileHandle } from 'node:fs/promises';
import type { NodeStore } from '@cloister/pdp';

/** Before the records: the length of each, least significant byte first. */
const HEADER_BYTES = 4;
const RECORD_BYTES_MAX = 1024 * 1024;
/** Records that follow one another are written together. */
const WRITE_BYTES = 64 * 1024;

/** The records of an authenticated structure in a flat file: their length, then each at its number's place. */
export interface FileNodes extends NodeStore {
  /** Until it has returned, records that were put may not be in the file. */
  flush(): Promise<void>;
}

export function fileNodes(file: FileHandle): FileNodes {
  let length: number | undefined;
  let waiting: Uint8Array[] = [];
  let first = 0;
  const placeOf = (number: number): number => HEADER_BYTES + number * length!;
  async function read(at: number, bytes: number): Promise<Buffer | undefined> {
    const into = Buffer.alloc(bytes);
    const { bytesRead } = await file.read(into, 0, bytes, at);
    return bytesRead === bytes ? into : undefined;
  }
  async function flush(): Promise<void> {
    const records = waiting;
    waiting = [];
    if (records.length > 0) await file.write(Buffer.concat(records), 0, undefined, placeOf(first));
  }
  return {
    flush,
    async get(number) {
      await flush();
      length ??= (await read(0, HEADER_BYTES))?.readUInt32LE();
      if (length === undefined || length === 0 || length > RECORD_BYTES_MAX) return undefined;
      return read(placeOf(number), length);
    },
    async put(number, record) {
      if (length === undefined) {
        length = record.length;
        const header = Buffer.alloc(HEADER_BYTES);
        header.writeUInt32LE(length);
        await file.write(header, 0, HEADER_BYTES, 0);
      }
      if (number !== first + waiting.length || waiting.length * length >= WRITE_BYTES) {
        await flush();
        first = number;
      }
      // A copy: `slice` of a Buffer is none.
      waiting.push(new Uint8Array(record));
    },
  };
}
