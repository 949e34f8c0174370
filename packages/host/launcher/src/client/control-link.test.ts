import { BUDGETS, CHANNEL_WINDOW_BYTES, FRAME_COST_BYTES, fromSlice } from '@cloister/protocol';
import { expect, test } from 'vitest';
import { memoryChannel } from '../channels/memory-channel.ts';
import { openControlLink } from './control-link.ts';

const NO_FILE = 0xffff;
const BOOT = {
  kind: 'boot.start',
  commandLine: '',
  kernel: 0,
  kernelBytes: 1,
  initrd: NO_FILE,
  initrdBytes: 0,
  firmware: NO_FILE,
  firmwareBytes: 0,
} as const;
const turns = async (): Promise<void> => {
  for (let i = 0; i < 10; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

test('a slice that floods its client waits for its credit', async () => {
  const [near, far] = memoryChannel();
  let now = 0;
  const waiting: (() => void)[] = [];
  openControlLink(near, [], BOOT, { now: () => now, pause: () => new Promise((resolve) => waiting.push(resolve)) });
  const flood = fromSlice.encode({ kind: 'port.taken', port: 0, position: 0 });
  const window = Math.floor(CHANNEL_WINDOW_BYTES / (flood.length + FRAME_COST_BYTES));
  for (let i = 0; i < 2 * window; i += 1) far.send(flood);
  await turns();
  // A burst's credit has come back, and of the rest of the window none as long as no time passes.
  const burst = BUDGETS.sliceToClient.burst * BUDGETS.sliceToClient.messages;
  expect(far.queuedBytes).toBeGreaterThanOrEqual((window - burst) * flood.length);
  const held = far.queuedBytes;
  now = 1000 * (window / BUDGETS.sliceToClient.messages);
  for (const resume of waiting.splice(0)) resume();
  await turns();
  expect(far.queuedBytes).toBeLessThan(held);
});
