import { serveDoorbells } from '../io-gate/gate.ts';
import type { GateBench } from './gate-bench.ts';
import { addChain, allocate, type Buffer, type DriverDevice, get, put } from './guest-driver.ts';

/** A bench whose device 0 is a disk with its driver started. */
export interface DiskBench extends GateBench {
  readonly device: DriverDevice;
}

export const BLOCK_TYPE = { read: 0, write: 1, flush: 4, getId: 8, discard: 11 } as const;

export const room = (d: DiskBench, length: number, writable: boolean): Buffer => ({
  address: allocate(d.guest, length),
  length,
  writable,
});

/** A request as one chain of header, data and status, the data in pieces of at most `piece` bytes. Returns where its status will be. */
export function ask(d: DiskBench, type: number, sector: number, data: Buffer, piece = 2 ** 20): number {
  const [header, status] = [allocate(d.guest, 16), allocate(d.guest, 1)];
  const view = new DataView(new ArrayBuffer(16));
  view.setUint32(0, type, true);
  view.setBigUint64(8, BigInt(sector), true);
  put(d.guest, header, new Uint8Array(view.buffer));
  put(d.guest, status, Uint8Array.of(0xff));
  const buffers: Buffer[] = [{ address: header, length: 16, writable: false }];
  for (let at = 0; at < data.length; at += piece) {
    buffers.push({ ...data, address: data.address + at, length: Math.min(piece, data.length - at) });
  }
  addChain(d.guest, d.device.queues[0]!, [...buffers, { address: status, length: 1, writable: true }]);
  d.guest.bus.ring(0, 0);
  serveDoorbells(d.gate);
  return status;
}

/** The status byte; 0xff until the request is done. */
export const statusAt = (d: DiskBench, address: number): number => get(d.guest, address, 1)[0]!;
