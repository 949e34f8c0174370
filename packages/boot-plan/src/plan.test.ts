import { describePlatform, LAUNCH_UPDATE_BYTES_MAX } from '@cloister/protocol';
import { describe, expect, test } from 'vitest';
import { type BootPlan, planBoot } from './plan.ts';

const PLATFORM = describePlatform(1, 64 << 20);
const RAM = PLATFORM.ramBase;

const head = new Uint8Array(4096);
const view = new DataView(head.buffer);
view.setUint32(8, 0x20_0000, true);
view.setUint32(16, 0x10_0000, true);
view.setUint32(56, 0x0543_5352, true);

const WISH = { commandLine: 'quiet', kernelBytes: 300_000, initrdBytes: 5000, firmwareBytes: 0 };

function planOf(wish: Partial<typeof WISH>): BootPlan {
  const planned = planBoot(PLATFORM, { ...WISH, ...wish }, head);
  if (!planned.ok) throw new Error(planned.reason);
  return planned.plan;
}

test('kernel, initrd and device tree are placed in this order, each file in pieces that cover it once', () => {
  const { updates, end } = planOf({});
  const files = updates.flatMap((update) => ('from' in update ? [[update.address, update.from] as const] : []));
  expect(files.map(([, { blob, offset, length }]) => [blob, offset, length])).toEqual([
    ['kernel', 0, LAUNCH_UPDATE_BYTES_MAX],
    ['kernel', LAUNCH_UPDATE_BYTES_MAX, LAUNCH_UPDATE_BYTES_MAX],
    ['kernel', 2 * LAUNCH_UPDATE_BYTES_MAX, 300_000 - 2 * LAUNCH_UPDATE_BYTES_MAX],
    ['initrd', 0, 5000],
  ]);
  for (const [address, { blob, offset }] of files.slice(0, 3))
    expect([blob, address]).toEqual(['kernel', RAM + 0x20_0000 + offset]);
  expect(updates.at(-1)).toMatchObject({ address: end.deviceTree, bytes: expect.any(Uint8Array) });
  expect(end).toMatchObject({ pc: RAM + 0x20_0000, firmwareInfo: 0 });
});

test('firmware starts first and is told where the kernel is', () => {
  const { updates, end } = planOf({ firmwareBytes: 1000 });
  expect(end.pc).toBe(RAM);
  const info = updates.find(({ address }) => address === end.firmwareInfo);
  expect(info !== undefined && 'bytes' in info && new DataView(info.bytes.slice().buffer).getBigUint64(16, true)).toBe(
    BigInt(RAM + 0x20_0000),
  );
});

describe('what cannot be is refused in one line', () => {
  test.each<[string, Partial<typeof WISH>, RegExp]>([
    ['a long command line', { commandLine: 'x'.repeat(64 * 1024) }, /command line is too long/],
    ['a large initrd', { initrdBytes: 63 << 20 }, /need 67 MiB of memory/],
    ['large firmware', { firmwareBytes: 2 << 20 }, /firmware does not fit/],
    ['a short kernel', { kernelBytes: 10 }, /truncated/],
  ])('%s', (_name, wish, reason) => {
    expect(planBoot(PLATFORM, { ...WISH, ...wish }, head)).toMatchObject({
      ok: false,
      reason: expect.stringMatching(reason),
    });
  });
});
