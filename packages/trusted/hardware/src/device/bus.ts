import {
  type Board,
  barAddress,
  deviceAt,
  type Exit,
  exitAndWait,
  interruptLines,
  readIsr,
  ringDoorbell,
} from '../board.ts';
import { clintRead, clintWrite } from '../interrupt/clint.ts';
import { plicRead, plicWrite } from '../interrupt/plic.ts';
import { MEMORY_MAP, VIRTIO_BAR } from '../memory-map.ts';
import type { Outside } from '../outside.ts';
import { rtcRead, rtcWrite } from './rtc.ts';
import { uartRead, uartWrite } from './uart.ts';

/** How a device access ended: done, no such device (access fault), to be tried again, or the machine stops. */
export type BusOutcome = 'ok' | 'fault' | 'again' | 'stop';

/** What a hart's loads and stores outside RAM reach. The value of the last read lies in two words. */
export interface Bus {
  readonly board: Board;
  readonly outside: Outside;
  readonly hart: number;
  valueLow: number;
  valueHigh: number;
  /** Ticks that the hart has waited in exits. */
  waited: number;
}

export function createBus(board: Board, outside: Outside, hart: number): Bus {
  return { board, outside, hart, valueLow: 0, valueHigh: 0, waited: 0 };
}

/** Leaves the guest until the exit is completed; undefined when the machine stops meanwhile. Waiting is no running. */
export function leaveGuest(bus: Bus, exit: Exit): ReturnType<typeof exitAndWait> {
  const from = bus.outside.ticks();
  const completion = exitAndWait(bus.board, bus.hart, exit);
  bus.waited += bus.outside.ticks() - from;
  return completion;
}

const inside = (address: number, bytes: number, range: { base: number; length: number }): boolean =>
  address >= range.base && address + bytes <= range.base + range.length;

/** Reads 1, 2, 4 or 8 bytes into `bus.valueLow` and `valueHigh`; `address` is guest physical and naturally aligned. */
export function busRead(bus: Bus, address: number, bytes: number): BusOutcome {
  const { board, outside } = bus;
  bus.valueLow = 0;
  bus.valueHigh = 0;
  if (inside(address, bytes, MEMORY_MAP.uart)) {
    bus.valueLow = uartRead(board, address - MEMORY_MAP.uart.base);
    return 'ok';
  }
  if (inside(address, bytes, MEMORY_MAP.plic)) {
    if (bytes < 4) return 'fault';
    bus.valueLow = plicRead(board, address - MEMORY_MAP.plic.base, interruptLines(board));
    return 'ok';
  }
  if (inside(address, bytes, MEMORY_MAP.clint)) {
    if (bytes < 4) return 'fault';
    const ticks = outside.ticks();
    bus.valueLow = clintRead(board, address - MEMORY_MAP.clint.base, ticks);
    if (bytes === 8) bus.valueHigh = clintRead(board, address - MEMORY_MAP.clint.base + 4, ticks);
    return 'ok';
  }
  if (inside(address, bytes, MEMORY_MAP.rtc)) {
    bus.valueLow = rtcRead(board, outside, address - MEMORY_MAP.rtc.base);
    return 'ok';
  }
  if (inside(address, bytes, MEMORY_MAP.syscon)) return 'ok';
  if (inside(address, bytes, MEMORY_MAP.pciConfig) || inside(address, bytes, MEMORY_MAP.pciMemory)) {
    const device = deviceAt(board, address);
    if (device >= 0 && address - barAddress(board, device) === VIRTIO_BAR.isr) {
      bus.valueLow = readIsr(board, device);
      return 'ok';
    }
    const answer = leaveGuest(bus, { reason: 'mmio-read', address, size: bytes as 1 | 2 | 4 | 8 });
    if (answer === undefined) return 'stop';
    bus.valueLow = Number(BigInt.asIntN(32, answer.value));
    bus.valueHigh = Number(BigInt.asIntN(32, answer.value >> 32n));
    return 'ok';
  }
  return 'fault';
}

/** Writes the low `bytes` of the value. */
export function busWrite(bus: Bus, address: number, bytes: number, low: number, high: number): BusOutcome {
  const { board, outside } = bus;
  if (inside(address, bytes, MEMORY_MAP.uart))
    return uartWrite(board, address - MEMORY_MAP.uart.base, low) ? 'ok' : 'again';
  if (inside(address, bytes, MEMORY_MAP.plic)) {
    if (bytes < 4) return 'fault';
    plicWrite(board, address - MEMORY_MAP.plic.base, low);
    return 'ok';
  }
  if (inside(address, bytes, MEMORY_MAP.clint)) {
    if (bytes < 4) return 'fault';
    clintWrite(board, address - MEMORY_MAP.clint.base, low);
    if (bytes === 8) clintWrite(board, address - MEMORY_MAP.clint.base + 4, high);
    return 'ok';
  }
  if (inside(address, bytes, MEMORY_MAP.rtc)) {
    rtcWrite(board, outside, address - MEMORY_MAP.rtc.base, low);
    return 'ok';
  }
  if (inside(address, bytes, MEMORY_MAP.syscon)) {
    const answer = leaveGuest(bus, { reason: 'syscon', value: low >>> 0 });
    return answer === undefined ? 'stop' : 'ok';
  }
  if (inside(address, bytes, MEMORY_MAP.pciConfig) || inside(address, bytes, MEMORY_MAP.pciMemory)) {
    const device = deviceAt(board, address);
    const offset = device >= 0 ? address - barAddress(board, device) : 0;
    if (device >= 0 && offset >= VIRTIO_BAR.notify) {
      ringDoorbell(board, device, ((offset - VIRTIO_BAR.notify) / VIRTIO_BAR.notifyMultiplier) & 31);
      return 'ok';
    }
    const value = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    const answer = leaveGuest(bus, { reason: 'mmio-write', address, size: bytes as 1 | 2 | 4 | 8, value });
    return answer === undefined ? 'stop' : 'ok';
  }
  return 'fault';
}
