import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { LaunchError } from './launch-error.ts';
import { startVirtualMachine } from './start-virtual-machine.ts';
import { children, descriptorsOf, threads } from './testing/residue.ts';
import { tinyKernel } from './testing/tiny-kernel.ts';
import type { VirtualMachineConfig } from './virtual-machine.ts';

const folder = mkdtempSync(join(tmpdir(), 'start-virtual-machine-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const disk = join(folder, 'disk.img');
writeFileSync(disk, new Uint8Array(1 << 20));

const CONFIG: VirtualMachineConfig = {
  memoryBytes: 64 * 2 ** 20,
  kernel: tinyKernel('loop'),
  commandLine: '',
  disks: [
    { path: disk, writes: 'direct' },
    { path: disk, writes: 'discard' },
  ],
  ports: ['a'],
};
const DEADLINE = 30_000;
const onLinux = process.platform === 'linux';

/** What a machine may leave behind: threads, processes, open disks. */
function residue(): unknown {
  if (!onLinux) return undefined;
  const files = [...descriptorsOf('self').values()].filter((path) => /cloister-overlay-|disk\.img/.test(path));
  return { threads: threads(), files, children: children().map(({ command }) => command) };
}
// Starts Node's own threads for files, so that they are not counted as left behind.
await stat(disk);
const before = residue();

const elf = new Uint8Array(64);
elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
elf[18] = 62;
const damaged = tinyKernel('loop');
damaged[56] = 0;

describe.each(['one-process', 'processes'] as const)('in the form "%s"', (form) => {
  const start = (config: Partial<VirtualMachineConfig> = {}, log?: (line: string) => void) =>
    startVirtualMachine({ ...CONFIG, ...config }, { form, ...(log === undefined ? {} : { log }) });

  test('a guest that powers off ends its machine, and nothing of it is left', { timeout: DEADLINE }, async () => {
    const machine = await start({ kernel: tinyKernel('powerOff') });
    expect(await machine.ended).toEqual({ kind: 'power-off' });
    machine.kill();
    expect(residue()).toEqual(before);
  });

  test.each(['loop', 'sleep'] as const)(
    'a machine in a %s that is killed leaves nothing',
    async (program) => {
      const machine = await start({ kernel: tinyKernel(program) });
      const blocked = machine.ports.get('a')!.write(new Uint8Array(1 << 20));
      machine.kill();
      machine.kill();
      expect(await machine.ended).toEqual({ kind: 'killed' });
      await blocked;
      expect(residue()).toEqual(before);
    },
    30_000,
  );

  test.each([
    ['without its magic number', damaged, /^The kernel is no RISC-V Image: its magic number is missing$/],
    ['of 63 bytes', tinyKernel('loop').subarray(0, 63), /^The kernel is truncated: it has 63 bytes$/],
    ['for another machine', elf, /^The kernel is an ELF file for x86-64, not a RISC-V Image$/],
    ['larger than memory', new Uint8Array(65 << 20), /RISC-V Image/],
  ])(
    'a kernel %s is refused with one line, and nothing is left',
    { timeout: DEADLINE },
    async (_name, kernel, line) => {
      const refusal: unknown = await start({ kernel }).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(LaunchError);
      expect(refusal).toMatchObject({ code: 'refused', message: expect.stringMatching(line) });
      expect(residue()).toEqual(before);
    },
  );

  test('an initrd or firmware that does not fit is refused', { timeout: DEADLINE }, async () => {
    await expect(start({ initrd: new Uint8Array(63 << 20) })).rejects.toThrow(/^Kernel and initrd need 66 MiB/);
    await expect(start({ firmware: new Uint8Array(2 << 20) })).rejects.toThrow(/^The firmware does not fit/);
    await expect(start({ commandLine: 'x'.repeat(70_000) })).rejects.toThrow(/^The command line is too long$/);
    expect(residue()).toEqual(before);
  });

  test('a machine that cannot be put together leaves nothing', { timeout: DEADLINE }, async () => {
    const many = Array.from({ length: 15 }, () => ({ path: disk, writes: 'discard' as const }));
    await expect(start({ disks: many })).rejects.toThrow(/at most 16 PCI devices/);
    await expect(start({ memoryBytes: 4 * 2 ** 30 })).rejects.toThrow();
    await expect(start({ disks: [...many.slice(0, 3), { path: folder, writes: 'direct' }] })).rejects.toThrow();
    expect(residue()).toEqual(before);
  });
});

describe.skipIf(!onLinux)('slice and storage as processes', () => {
  const start = () => startVirtualMachine(CONFIG, { form: 'processes' });
  const childOf = (bundle: string) => children().find(({ command }) => command.includes(`/${bundle}.js`))!;

  test.each([
    ['slice', /pipe closed/i],
    ['storage', /^The storage is gone/],
  ])('when the %s dies its machine ends, and nothing is left', { timeout: DEADLINE }, async (bundle, reason) => {
    const machine = await start();
    process.kill(childOf(bundle).pid, 'SIGKILL');
    expect(await machine.ended).toEqual({ kind: 'failed', reason: expect.stringMatching(reason) });
    expect(residue()).toEqual(before);
  });

  test('they hold what they were given and nothing else, and hear no signal of our terminal', async () => {
    const machine = await start();
    const given = (bundle: string) =>
      [...descriptorsOf(childOf(bundle).pid)]
        // Node's own: its event loop, its threads' wake-ups, a spare descriptor.
        .filter(([fd, what]) => !/^anon_inode:|^pipe:/.test(what) && (fd < 3 || what !== '/dev/null'))
        .sort(([a], [b]) => a - b)
        .map(([, what]) => what.replace(/\[.*\]|-[-0-9a-f]{36}/g, ''));
    const standard = ['/dev/null', '/dev/null', 'socket:'];
    expect(given('slice')).toEqual([...standard, 'socket:', 'socket:', 'socket:']);
    const overlay = join(tmpdir(), 'cloister-overlay (deleted)');
    expect(given('storage')).toEqual([...standard, 'socket:', disk, disk, overlay]);
    for (const bundle of ['slice', 'storage']) expect(childOf(bundle).session).toBe(childOf(bundle).pid);
    machine.kill();
    await machine.ended;
  }, 30_000);
});
