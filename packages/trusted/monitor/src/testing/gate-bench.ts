import { type Board, boardOf, memoryPages, ringDoorbell } from '@cloister/hardware';
import {
  type BlockRequest,
  BUDGETS,
  createRate,
  type DeviceConfig,
  PAYLOAD_AREA_BYTES,
  type PortEvent,
} from '@cloister/protocol';
import type { Gate } from '../io-gate/device.ts';
import { createDevices, gateRead, gateWrite } from '../io-gate/gate.ts';
import { createGuestMemory, type FetchWatch } from '../io-gate/guest-memory.ts';
import type { BlockSeal } from '../seal/block-seal.ts';
import { createGuest, type Guest } from './guest-driver.ts';
import { payloadsIn } from './memory-storage.ts';

/** A gate on a bench: no hart, no slice; what it sends and logs is kept. */
export interface GateBench {
  readonly memory: SharedArrayBuffer;
  readonly board: Board;
  readonly gate: Gate;
  readonly guest: Guest;
  /** The payload area. */
  readonly area: Uint8Array;
  readonly sent: (BlockRequest | PortEvent)[];
  readonly logged: string[];
}

export function createGateBench(
  devices: readonly DeviceConfig[],
  ramBytes = 64 << 20,
  watch?: FetchWatch,
  unsealed?: BlockSeal,
): GateBench {
  const pages = memoryPages(ramBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }).buffer;
  const board = boardOf(memory);
  const area = new Uint8Array(PAYLOAD_AREA_BYTES);
  const sent: (BlockRequest | PortEvent)[] = [];
  const logged: string[] = [];
  let now = 0;
  const random = (length: number): Uint8Array => new Uint8Array(length).fill(0x5a);
  const gate: Gate = {
    memory: createGuestMemory(memory, watch),
    board,
    harts: 1,
    devices: createDevices(devices, unsealed, random),
    payloads: payloadsIn(area),
    send: (message) => sent.push(message),
    random,
    log: (line) => logged.push(line),
    // Time passes with each look: a bench is faster than any guest.
    rates: devices.map(() => createRate(BUDGETS.guestToDevice, () => (now += 1))),
  };

  const guest = createGuest(memory, {
    read: (address, size) => gateRead(gate, address, size),
    write: (address, size, value) => gateWrite(gate, address, size, value),
    ring: (device, queue) => ringDoorbell(board, device, queue),
  });
  return { memory, board, gate, guest, area, sent, logged };
}

/** Fails on a second fetch of a byte for one part of one chain: what the guest changes in between would count. */
export function createFetchWatch(): FetchWatch {
  const chains = new WeakMap<object, Map<number, [number, number][]>>();
  return {
    fetched(chain, part, address, length) {
      const parts = chains.get(chain) ?? new Map<number, [number, number][]>();
      chains.set(chain, parts);
      const ranges = parts.get(part) ?? [];
      parts.set(part, ranges);
      if (ranges.some(([from, to]) => address < to && from < address + length)) {
        throw new Error(`Fetched twice: ${length} bytes at 0x${address.toString(16)} for part ${part}`);
      }
      ranges.push([address, address + length]);
    },
  };
}
