import { execFileSync } from 'node:child_process';
import { describePlatform } from '@cloister/protocol';
import { expect, test } from 'vitest';
import { flatten } from './device-tree.ts';
import { describeMachine } from './machine-tree.ts';

// Debian's device tree compiler reads the blob, checks it against what it knows of buses and interrupts, and says it back.
test('dtc finds nothing to say of the machine’s tree, and reads from it what was written', () => {
  const initrd = { start: 0x1_0000_0000, end: 0x1_0010_0000 };
  const { bytes } = flatten(
    describeMachine(describePlatform(2, 3 * 2 ** 30), { commandLine: 'console=ttyS0 "quoted"', initrd }),
  );
  const dtc = (...args: string[]): string =>
    execFileSync('sh', ['-c', `exec dtc ${args.join(' ')} 2>&1`], { input: bytes, encoding: 'utf8' });
  expect(dtc('-I', 'dtb', '-O', 'dtb', '-o', '/dev/null', '-')).toBe('');
  const source = dtc('-I', 'dtb', '-O', 'dts', '-q', '-');
  expect(source).toContain('bootargs = "console=ttyS0 \\"quoted\\"";');
  expect(source).toContain('linux,initrd-end = <0x01 0x100000>;');
  expect(source).toContain('interrupts-extended = <0x10 0x0b 0x10 0x09 0x11 0x0b 0x11 0x09>;');
  expect(source).toContain('reg = <0x00 0x80000000 0x00 0xc0000000>;');
  expect(source).toContain('mmu-type = "riscv,sv48";');
  expect(source).toMatch(/interrupt-map = <0x00 0x00 0x00 0x01 0x01 0x10 0x800 0x00 0x00 0x01 0x01 0x11 /);
});
