/** What may come in a second, on average, and how many seconds' worth of it at once. */
export interface Budget {
  readonly messages: number;
  readonly bytes: number;
  readonly burst: number;
}

const GIB = 2 ** 30;

/**
 * What the trusted end of a link or a device takes from the other. More is neither lost nor an offence: credit returns
 * later, or the queue is served later. Honest parts stay far below: a guest's disk gives some 0.15 GiB a second.
 * What may be under way or wait, whatever the time, is bounded beside it: `CHANNEL_WINDOW_BYTES`, `PORT_WINDOW_BYTES`,
 * and the requests of each device.
 */
export const BUDGETS = {
  /** The machine of its slice: calls, completions, console input. */
  sliceToMachine: { messages: 100_000, bytes: 4 * GIB, burst: 0.1 },
  /** Storage of each slice: its messages, and the bytes that they have it move. */
  sliceToStorage: { messages: 100_000, bytes: 4 * GIB, burst: 0.1 },
  /** The scheduler of each slice, which needs ten a second. */
  sliceToScheduler: { messages: 1_000, bytes: 2 ** 16, burst: 1 },
  /** A VM's client of the slice: console output, and little else. */
  sliceToClient: { messages: 20_000, bytes: GIB, burst: 0.1 },
  /** Each device of its guest: chains of descriptors, and the bytes that they point to. */
  guestToDevice: { messages: 100_000, bytes: 4 * GIB, burst: 0.1 },
  /** The operator of each machine: lines. */
  machineToLog: { messages: 2, bytes: Number.POSITIVE_INFINITY, burst: 10 },
} as const satisfies Readonly<Record<string, Budget>>;
