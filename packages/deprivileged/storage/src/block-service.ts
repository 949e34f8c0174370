import {
  BLOCK_PAYLOAD_BYTES_MAX,
  type BlockRequest,
  type Channel,
  fromStorage,
  SECTOR_BYTES,
  toStorage,
} from '@cloister/protocol';
import type { Disk } from './disk.ts';

/** Requests of one slice that may be under way; a slice that asks for more is cut off. */
const REQUESTS_MAX = 1024;

const NOTHING = new Uint8Array(0);

/** Answers one slice's block requests on the disks that were bound to its channel. */
export interface BlockService {
  /** Resolves once nothing is under way, so that the disks can be closed. */
  settled(): Promise<void>;
}

export function serveDisks(channel: Channel, disks: readonly Disk[]): BlockService {
  const underWay = new Set<Promise<void>>();
  const answer = async (request: BlockRequest): Promise<void> => {
    const { disk, id } = request;
    let bytes: Uint8Array | undefined;
    try {
      bytes = await carryOut(disks[disk], request);
    } catch {
      bytes = undefined;
    }
    channel.send(
      fromStorage.encode({ kind: 'block.reply', disk, id, ok: bytes !== undefined, bytes: bytes ?? NOTHING }),
    );
  };
  channel.listen({
    frame(frame) {
      const request = toStorage.decode(frame);
      if (request === undefined) channel.close('A malformed storage request');
      else if (underWay.size >= REQUESTS_MAX) channel.close('Too many storage requests at once');
      else {
        const one = answer(request);
        underWay.add(one);
        one.finally(() => underWay.delete(one));
      }
    },
  });
  return {
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

/** What was read, nothing for the other operations, or undefined for a request that this disk refuses. */
async function carryOut(disk: Disk | undefined, request: BlockRequest): Promise<Uint8Array | undefined> {
  const { operation, sector, sectors, bytes } = request;
  if (disk === undefined || (sector + sectors) * SECTOR_BYTES > disk.bytes) return undefined;
  const offset = sector * SECTOR_BYTES;
  const length = sectors * SECTOR_BYTES;
  switch (operation) {
    case 'read':
      return length > 0 && length <= BLOCK_PAYLOAD_BYTES_MAX ? disk.read(offset, length) : undefined;
    case 'write':
      if (disk.readOnly || bytes.length !== length) return undefined;
      await disk.write(offset, bytes);
      return NOTHING;
    case 'flush':
      await disk.flush();
      return NOTHING;
    case 'discard':
      if (disk.readOnly) return undefined;
      await disk.discard(offset, length);
      return NOTHING;
  }
}
