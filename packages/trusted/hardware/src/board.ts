import { BOARD, RAM_OFFSET } from './layout.ts';
import { INTERRUPT_SOURCE, MEMORY_MAP, PCI_DEVICES, VIRTIO_BAR } from './memory-map.ts';

/**
 * The board: what a machine's hart threads and its monitor share beside guest RAM. Plain words in the shared memory,
 * touched through Atomics alone. The hart side never trusts what lies here for a length; the monitor side is trusted.
 */
export interface Board {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
}

/** Word indexes within a hart's exit record. */
const EXIT = {
  state: 0,
  reason: 1,
  size: 2,
  addressLow: 3,
  addressHigh: 4,
  valueLow: 5,
  valueHigh: 6,
  arguments: 8,
} as const;
const EXIT_STATE = { idle: 0, posted: 1, completed: 2 } as const;
/** Word indexes within a device's record. */
const DEVICE = { bar: 0, isr: 1, doorbells: 2 } as const;

/** Word indexes within a hart's account. */
const ACCOUNT = { budget: 0, retiredLow: 1, retiredHigh: 2 } as const;

/** Bits of a hart's attention word. `fence`: its translations are to be dropped. */
export const ATTENTION = { interrupt: 1, stop: 2, fence: 4 } as const;

/** Why a hart left the guest and waits for the monitor. Values are 64-bit patterns. */
export type Exit =
  | { readonly reason: 'mmio-read'; readonly address: number; readonly size: 1 | 2 | 4 | 8 }
  | { readonly reason: 'mmio-write'; readonly address: number; readonly size: 1 | 2 | 4 | 8; readonly value: bigint }
  /** An SBI call that the machine itself does not answer: a7, a6 and a0..a5. */
  | {
      readonly reason: 'sbi';
      readonly extension: bigint;
      readonly function: bigint;
      readonly arguments: readonly bigint[];
    }
  /** A store to the test finisher: 0x5555 power-off, 0x7777 reset, 0x3333 failure with a code in the upper half. */
  | { readonly reason: 'syscon'; readonly value: number }
  /** The hart has run as long as it was allowed to. */
  | { readonly reason: 'budget' }
  /** The instruction at pc needs the frame at this guest physical address, which is absent; it runs again. */
  | { readonly reason: 'frame-fault'; readonly address: number };

/** What completes an exit. An `sbi` exit takes the SBI pair {error in a0, value in a1}. */
export type Completion = { readonly value: bigint } | { readonly error: bigint; readonly value: bigint };

const REASONS = ['mmio-read', 'mmio-write', 'sbi', 'syscon', 'budget', 'frame-fault'] as const;

export function boardOf(memory: SharedArrayBuffer): Board {
  return {
    words: new Int32Array(memory, BOARD.base, 0x4_0000 >> 2),
    bytes: new Uint8Array(memory, BOARD.base, 0x4_0000),
  };
}

const exitWord = (hart: number): number => (BOARD.exit + hart * BOARD.exitStride) >> 2;
const deviceWord = (device: number): number => (BOARD.device + device * BOARD.deviceStride) >> 2;
const attentionWord = (hart: number): number => (BOARD.attention + hart * BOARD.attentionStride) >> 2;
const accountWord = (hart: number): number => (BOARD.account + hart * BOARD.accountStride) >> 2;
const LINES = BOARD.lines >> 2;
const WAKE = BOARD.monitorWake >> 2;

/** Makes a hart look up from its loop, or wake from WFI. */
export function raiseAttention(board: Board, hart: number, bits: number): void {
  Atomics.or(board.words, attentionWord(hart), bits);
  Atomics.notify(board.words, attentionWord(hart));
}

export function takeAttention(board: Board, hart: number): number {
  return Atomics.exchange(board.words, attentionWord(hart), 0);
}

/** Blocks the hart's thread until attention is raised or `milliseconds` have passed. */
export function waitForAttention(board: Board, hart: number, milliseconds: number): void {
  Atomics.wait(board.words, attentionWord(hart), 0, milliseconds);
}

/** Levels of the interrupt sources, a bit each. */
export function interruptLines(board: Board): number {
  return Atomics.load(board.words, LINES);
}

export function setLine(board: Board, source: number, high: boolean): void {
  if (high) Atomics.or(board.words, LINES, 1 << source);
  else Atomics.and(board.words, LINES, ~(1 << source));
}

/**
 * A PCI device raises its interrupt: vector 0 is "a queue was used", vector 1 "the configuration changed"; they are the
 * bits of the ISR register (virtio 1.2 §4.1.4.5). The line stays high until the guest reads that register.
 */
export function signal(board: Board, harts: number, device: number, vector: 0 | 1): void {
  Atomics.or(board.words, deviceWord(device) + DEVICE.isr, 1 << vector);
  setLine(board, INTERRUPT_SOURCE.pciFirst + device, true);
  for (let hart = 0; hart < harts; hart += 1) raiseAttention(board, hart, ATTENTION.interrupt);
}

/** A device's reset: its ISR is cleared and its line lowered. */
export function clearSignal(board: Board, device: number): void {
  setLine(board, INTERRUPT_SOURCE.pciFirst + device, false);
  Atomics.store(board.words, deviceWord(device) + DEVICE.isr, 0);
}

/** The monitor tells the harts where the guest has placed a device's BAR; 0: decoding is off. */
export function publishBar(board: Board, device: number, address: number): void {
  Atomics.store(board.words, deviceWord(device) + DEVICE.bar, address | 0);
}

/** Which device's BAR holds `address` (the hart's side), or -1. */
export function deviceAt(board: Board, address: number): number {
  for (let device = 0; device < PCI_DEVICES; device += 1) {
    const bar = Atomics.load(board.words, deviceWord(device) + DEVICE.bar) >>> 0;
    if (bar !== 0 && address >= bar && address < bar + VIRTIO_BAR.length) return device;
  }
  return -1;
}

export function barAddress(board: Board, device: number): number {
  return Atomics.load(board.words, deviceWord(device) + DEVICE.bar) >>> 0;
}

/** The guest reads the ISR register: lowers the line first, so that a signal in between is seen again, never lost. */
export function readIsr(board: Board, device: number): number {
  setLine(board, INTERRUPT_SOURCE.pciFirst + device, false);
  return Atomics.exchange(board.words, deviceWord(device) + DEVICE.isr, 0);
}

/** The guest rings queue 0..31 of a device; never waits. */
export function ringDoorbell(board: Board, device: number, queue: number): void {
  Atomics.or(board.words, deviceWord(device) + DEVICE.doorbells, 1 << queue);
  wakeMonitor(board);
}

/** The queues of a device that were rung since the last call, a bit each (the monitor's side). */
export function takeDoorbells(board: Board, device: number): number {
  return Atomics.exchange(board.words, deviceWord(device) + DEVICE.doorbells, 0);
}

export function wakeMonitor(board: Board): void {
  Atomics.add(board.words, WAKE, 1);
  Atomics.notify(board.words, WAKE);
}

/** The wake count to pass to `untilWoken`; read it before looking at doorbells, exits and the UART. */
export function wakeCount(board: Board): number {
  return Atomics.load(board.words, WAKE);
}

/** Resolves once the wake count differs from `seen`, without blocking the event loop. */
export async function untilWoken(board: Board, seen: number): Promise<void> {
  const wait = Atomics.waitAsync(board.words, WAKE, seen);
  if (wait.async) await wait.value;
}

/** The hart posts an exit and blocks until the monitor has completed it; undefined when the machine stops meanwhile. */
export function exitAndWait(board: Board, hart: number, exit: Exit): Completed | undefined {
  const at = exitWord(hart) + EXIT.state;
  const { words } = board;
  postExit(board, hart, exit);
  while (Atomics.load(words, at) === EXIT_STATE.posted) {
    if (Atomics.load(words, BOARD.stop >> 2) !== 0) return undefined;
    Atomics.wait(words, at, EXIT_STATE.posted, 1000);
  }
  return takeCompletion(board, hart);
}

interface Completed {
  readonly value: bigint;
  readonly error: bigint;
}

/** The first half of `exitAndWait`, which never waits. */
export function postExit(board: Board, hart: number, exit: Exit): void {
  const at = exitWord(hart);
  const { words } = board;
  words[at + EXIT.reason] = REASONS.indexOf(exit.reason);
  switch (exit.reason) {
    case 'mmio-write':
      writeWide(words, at + EXIT.valueLow, exit.value);
      writeAddress(words, at, exit.address);
      words[at + EXIT.size] = exit.size;
      break;
    case 'mmio-read':
      writeAddress(words, at, exit.address);
      words[at + EXIT.size] = exit.size;
      break;
    case 'sbi':
      writeWide(words, at + EXIT.arguments, exit.extension);
      writeWide(words, at + EXIT.arguments + 2, exit.function);
      for (let i = 0; i < 6; i += 1) writeWide(words, at + EXIT.arguments + 4 + 2 * i, exit.arguments[i] ?? 0n);
      break;
    case 'syscon':
      words[at + EXIT.valueLow] = exit.value;
      break;
    case 'frame-fault':
      writeAddress(words, at, exit.address);
      break;
    case 'budget':
      break;
  }
  Atomics.store(words, at + EXIT.state, EXIT_STATE.posted);
  wakeMonitor(board);
}

/** The second half: what completed the exit, or undefined while it is posted. */
export function takeCompletion(board: Board, hart: number): Completed | undefined {
  const at = exitWord(hart);
  const { words } = board;
  if (Atomics.load(words, at + EXIT.state) !== EXIT_STATE.completed) return undefined;
  Atomics.store(words, at + EXIT.state, EXIT_STATE.idle);
  return { value: readWide(words, at + EXIT.valueLow), error: readWide(words, at + EXIT.arguments) };
}

function writeAddress(words: Int32Array, at: number, address: number): void {
  words[at + EXIT.addressLow] = address | 0;
  words[at + EXIT.addressHigh] = Math.floor(address / 2 ** 32);
}

/** The exit that a hart waits with, if any (the monitor's side). It stays posted until `completeExit`. */
export function pendingExit(board: Board, hart: number): Exit | undefined {
  const at = exitWord(hart);
  const { words } = board;
  if (Atomics.load(words, at + EXIT.state) !== EXIT_STATE.posted) return undefined;
  const address = (words[at + EXIT.addressLow]! >>> 0) + words[at + EXIT.addressHigh]! * 2 ** 32;
  const size = words[at + EXIT.size] as 1 | 2 | 4 | 8;
  switch (REASONS[words[at + EXIT.reason]!]) {
    case 'mmio-read':
      return { reason: 'mmio-read', address, size };
    case 'mmio-write':
      return { reason: 'mmio-write', address, size, value: readWide(words, at + EXIT.valueLow) };
    case 'sbi':
      return {
        reason: 'sbi',
        extension: readWide(words, at + EXIT.arguments),
        function: readWide(words, at + EXIT.arguments + 2),
        arguments: [0, 1, 2, 3, 4, 5].map((i) => readWide(words, at + EXIT.arguments + 4 + 2 * i)),
      };
    case 'budget':
      return { reason: 'budget' };
    case 'frame-fault':
      return { reason: 'frame-fault', address };
    default:
      return { reason: 'syscon', value: words[at + EXIT.valueLow]! >>> 0 };
  }
}

export function completeExit(board: Board, hart: number, completion: Completion): void {
  const at = exitWord(hart);
  writeWide(board.words, at + EXIT.valueLow, completion.value);
  writeWide(board.words, at + EXIT.arguments, 'error' in completion ? completion.error : 0n);
  Atomics.store(board.words, at + EXIT.state, EXIT_STATE.completed);
  Atomics.notify(board.words, at + EXIT.state);
}

/** What is left of a hart's budget, in microseconds. */
export function budgetLeft(board: Board, hart: number): number {
  return Atomics.load(board.words, accountWord(hart) + ACCOUNT.budget) >>> 0;
}

/** Adds to a hart's budget, which holds 2^32 - 1 microseconds at the most; the hart waits meanwhile (the monitor's side). */
export function addBudget(board: Board, hart: number, microseconds: number): void {
  const left = Math.min(budgetLeft(board, hart) + microseconds, 0xffff_ffff);
  Atomics.store(board.words, accountWord(hart) + ACCOUNT.budget, left | 0);
}

/** Takes from a hart's budget what it has run (the hart's side); returns what is left. */
export function spendBudget(board: Board, hart: number, microseconds: number): number {
  const left = Math.max(budgetLeft(board, hart) - microseconds, 0);
  Atomics.store(board.words, accountWord(hart) + ACCOUNT.budget, left | 0);
  return left;
}

/** Instructions that a hart has retired, as it last said. A reader may see the halves of two counts, 2^32 apart at worst. */
export function retiredOf(board: Board, hart: number): bigint {
  const at = accountWord(hart);
  return readWide(
    Int32Array.of(
      Atomics.load(board.words, at + ACCOUNT.retiredLow),
      Atomics.load(board.words, at + ACCOUNT.retiredHigh),
    ),
    0,
  );
}

/** The hart says how many instructions it has retired. */
export function publishRetired(board: Board, hart: number, instructions: number): void {
  const at = accountWord(hart);
  Atomics.store(board.words, at + ACCOUNT.retiredHigh, Math.floor(instructions / 2 ** 32));
  Atomics.store(board.words, at + ACCOUNT.retiredLow, instructions | 0);
}

/** Asks every hart to stop before its next instruction, also one that waits in an exit. */
export function stopHarts(board: Board, harts: number): void {
  Atomics.store(board.words, BOARD.stop >> 2, 1);
  for (let hart = 0; hart < harts; hart += 1) {
    raiseAttention(board, hart, ATTENTION.stop);
    Atomics.notify(board.words, exitWord(hart) + EXIT.state);
  }
}

export function stopRequested(board: Board): boolean {
  return Atomics.load(board.words, BOARD.stop >> 2) !== 0;
}

/** Appends to the ring at `base` (one producer); returns how many bytes fitted. */
function ringWrite(board: Board, base: number, capacity: number, bytes: Uint8Array): number {
  const head = base >> 2;
  const read = Atomics.load(board.words, head);
  const written = Atomics.load(board.words, head + 1);
  const count = Math.min(bytes.length, capacity - ((written - read) >>> 0));
  for (let i = 0; i < count; i += 1) board.bytes[base + 8 + (((written + i) >>> 0) % capacity)] = bytes[i]!;
  Atomics.store(board.words, head + 1, (written + count) | 0);
  return count;
}

/** Takes at most `limit` bytes from the ring at `base` (one consumer). */
function ringRead(board: Board, base: number, capacity: number, limit: number): Uint8Array {
  const head = base >> 2;
  const read = Atomics.load(board.words, head);
  const available = Math.min((Atomics.load(board.words, head + 1) - read) >>> 0, capacity, limit);
  const out = new Uint8Array(available);
  for (let i = 0; i < available; i += 1) out[i] = board.bytes[base + 8 + (((read + i) >>> 0) % capacity)]!;
  Atomics.store(board.words, head, (read + available) | 0);
  return out;
}

/** Bytes that the guest wrote to its UART since the last call (the monitor's side). */
export function takeUartOutput(board: Board): Uint8Array {
  return ringRead(board, BOARD.uartOut, BOARD.uartOutBytes, BOARD.uartOutBytes);
}

/** Offers input to the guest's UART; returns how many bytes it took. */
export function giveUartInput(board: Board, bytes: Uint8Array): number {
  const count = ringWrite(board, BOARD.uartIn, BOARD.uartInBytes, bytes);
  raiseAttention(board, 0, ATTENTION.interrupt);
  return count;
}

/** The hart's side of the UART: false when the output ring is full. */
export function putUart(board: Board, byte: number): boolean {
  const fitted = ringWrite(board, BOARD.uartOut, BOARD.uartOutBytes, Uint8Array.of(byte)) === 1;
  wakeMonitor(board);
  return fitted;
}

export function uartInputWaiting(board: Board): boolean {
  const head = BOARD.uartIn >> 2;
  return Atomics.load(board.words, head) !== Atomics.load(board.words, head + 1);
}

export function getUart(board: Board): number {
  return ringRead(board, BOARD.uartIn, BOARD.uartInBytes, 1)[0] ?? 0;
}

function writeWide(words: Int32Array, at: number, value: bigint): void {
  words[at] = Number(BigInt.asIntN(32, value));
  words[at + 1] = Number(BigInt.asIntN(32, value >> 32n));
}

function readWide(words: Int32Array, at: number): bigint {
  return BigInt.asUintN(64, (BigInt(words[at + 1]!) << 32n) | BigInt(words[at]! >>> 0));
}

/** Guest RAM as bytes: index 0 is guest physical address `MEMORY_MAP.ram.base`. */
export function guestRam(memory: SharedArrayBuffer): Uint8Array {
  return new Uint8Array(memory, RAM_OFFSET, Math.min(memory.byteLength - RAM_OFFSET, MEMORY_MAP.ram.length));
}
