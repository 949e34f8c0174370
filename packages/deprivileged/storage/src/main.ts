import type { Channel } from '@cloister/protocol';
import { type BlockService, serveDisks } from './block-service.ts';
import { createDirectDisk } from './direct-disk.ts';
import type { Disk } from './disk.ts';
import { createOverlayDisk } from './overlay-disk.ts';

/** A disk as the launcher hands it over: descriptors that it opened, and what writes may do. */
export interface DiskBinding {
  readonly descriptor: number;
  /** A multiple of 512. */
  readonly bytes: number;
  readonly writes: 'none' | 'overlay' | 'direct' | 'direct-unsafe';
  /** For `overlay`: an empty file, open for reading and writing. */
  readonly overlay?: number;
}

/** Starts the storage compartment for one slice. It opens nothing itself. */
export function start(channel: Channel, bindings: readonly DiskBinding[]): BlockService {
  return serveDisks(channel, bindings.map(createDisk));
}

/** @throws RangeError for a binding that makes no disk. */
function createDisk({ descriptor, bytes, writes, overlay }: DiskBinding): Disk {
  if (writes !== 'overlay') {
    return createDirectDisk(descriptor, bytes, { readOnly: writes === 'none', durable: writes === 'direct' });
  }
  if (overlay === undefined) throw new RangeError('An overlay disk needs an overlay file');
  return createOverlayDisk(descriptor, overlay, bytes);
}
