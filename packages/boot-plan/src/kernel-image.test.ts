import { describe, expect, test } from 'vitest';
import { inspectKernel } from './kernel-image.ts';

/** A RISC-V Image that is an EFI program with one section that ends at `end`. */
function image(end = 8192): Uint8Array {
  const head = new Uint8Array(4096);
  const view = new DataView(head.buffer);
  head.set([0x4d, 0x5a]);
  view.setUint32(8, 0x20_0000, true);
  view.setUint32(16, 0x10_0000, true);
  view.setUint32(56, 0x0543_5352, true);
  view.setUint32(60, 64, true);
  view.setUint32(64, 0x5045_0000, false);
  view.setUint16(64 + 6, 1, true);
  view.setUint16(64 + 20, 160, true);
  view.setUint32(64 + 24 + 160 + 16, end - 4096, true);
  view.setUint32(64 + 24 + 160 + 20, 4096, true);
  return head;
}

function changed(change: (view: DataView, bytes: Uint8Array) => void): Uint8Array {
  const bytes = image();
  change(new DataView(bytes.buffer), bytes);
  return bytes;
}

function elf(machine: number): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  new DataView(bytes.buffer).setUint16(18, machine, true);
  return bytes;
}

test('a whole Image says where it wants to be and what it takes', () => {
  expect(inspectKernel(image(), 8192)).toEqual({ ok: true, image: { textOffset: 0x20_0000, imageBytes: 0x10_0000 } });
});

describe('a bad kernel is refused in one line', () => {
  test.each([
    ['an ELF file for x86-64', elf(62), /ELF file for x86-64/],
    ['an ELF file for AArch64', elf(183), /ELF file for AArch64/],
    ['a riscv64 vmlinux', elf(243), /give the Image/],
    ['gzip', Uint8Array.of(0x1f, 0x8b, 8), /gzip/],
    ['nothing', new Uint8Array(0), /truncated: it has 8191 bytes/],
    ['a truncated file', image(), /truncated: it has 8191 of 8192 bytes/],
    ['text', new TextEncoder().encode('hello '.repeat(100)), /magic number/],
    ['an Image for AArch64', changed((view) => view.setUint32(56, 0x644d_5241, true)), /AArch64/],
    ['big-endian', changed((view) => view.setUint32(24, 1, true)), /big-endian/],
    ['an absurd header', changed((view) => view.setUint32(8, 0x123, true)), /makes no sense/],
  ])('%s', (_name, head, reason) => {
    const inspected = inspectKernel(head, 8191);
    expect(inspected).toEqual({ ok: false, reason: expect.stringMatching(reason) });
    expect((inspected as { reason: string }).reason).not.toContain('\n');
  });

  test('any head makes an answer', () => {
    for (let cut = 0; cut < 300; cut += 1) inspectKernel(image().subarray(0, cut), cut);
  });
});
