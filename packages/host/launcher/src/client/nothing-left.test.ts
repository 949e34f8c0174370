import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { bundleUrl } from '../bundles.ts';
import { descriptorsOf, launchedIn, leftIn, threads } from '../testing/residue.ts';
import { tinyKernel } from '../testing/tiny-kernel.ts';
import { LaunchError } from './launch-error.ts';
import { inspectMachine, listMachines, tellMachine, upgradeMachine } from './machines.ts';
import { startVirtualMachine } from './start-virtual-machine.ts';
import type { VirtualMachineConfig } from './virtual-machine.ts';

const folder = mkdtempSync(join(tmpdir(), 'nothing-left-'));
const runtime = join(folder, 'runtime');
process.env.CLOISTER_RUNTIME_DIR = runtime;
// Other tests' files are none of this one's.
process.env.TMPDIR = join(folder, 'tmp');
mkdirSync(process.env.TMPDIR);
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

/** What a machine may leave behind: threads, processes, open disks, files. */
async function residue(): Promise<unknown> {
  if (!onLinux) return undefined;
  const left = await leftIn(runtime);
  const files = [...descriptorsOf('self').values()].filter((path) => /cloister-overlay-|disk\.img/.test(path));
  const lying = readdirSync(runtime, { recursive: true }).filter((name) => name !== 'level.json');
  const boot = readdirSync(tmpdir()).filter((name) => name.startsWith('cloister-boot-'));
  return { threads: threads(), files, left, lying, boot };
}
mkdirSync(runtime, { mode: 0o700 });
// Starts Node's own threads for files, so that they are not counted as left behind.
await stat(disk);
const before = await residue();

const elf = new Uint8Array(64);
elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
elf[18] = 62;
const damaged = tinyKernel('loop');
damaged[56] = 0;

describe.each(['compartments', 'monolithic'] as const)('in the form "%s"', (form) => {
  const start = (config: Partial<VirtualMachineConfig> = {}, log?: (line: string) => void) =>
    startVirtualMachine({ ...CONFIG, ...config }, { form, ...(log === undefined ? {} : { log }) });

  test('a guest that powers off ends its machine, and nothing of it is left', { timeout: DEADLINE }, async () => {
    const machine = await start({ kernel: tinyKernel('powerOff') });
    expect(await machine.ended).toEqual({ kind: 'power-off' });
    machine.kill();
    expect(await residue()).toEqual(before);
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
      expect(await residue()).toEqual(before);
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
      expect(await residue()).toEqual(before);
    },
  );

  test('an initrd or firmware that does not fit is refused', { timeout: DEADLINE }, async () => {
    await expect(start({ initrd: new Uint8Array(63 << 20) })).rejects.toThrow(/^Kernel and initrd need 66 MiB/);
    await expect(start({ firmware: new Uint8Array(2 << 20) })).rejects.toThrow(/^The firmware does not fit/);
    await expect(start({ commandLine: 'x'.repeat(70_000) })).rejects.toThrow(/^The command line is too long$/);
    expect(await residue()).toEqual(before);
  });

  test('a machine that cannot be put together leaves nothing', { timeout: DEADLINE }, async () => {
    const many = Array.from({ length: 15 }, () => ({ path: disk, writes: 'discard' as const }));
    await expect(start({ disks: many })).rejects.toThrow(/at most 16 PCI devices/);
    await expect(start({ memoryBytes: 4 * 2 ** 30 })).rejects.toThrow();
    await expect(start({ disks: [...many.slice(0, 3), { path: folder, writes: 'direct' }] })).rejects.toThrow();
    expect(await residue()).toEqual(before);
  });
});

describe.skipIf(!onLinux)('compartments', () => {
  const partOf = async (vm: string, kind: string) => {
    for (;;) {
      const found = (await inspectMachine(vm)).compartments.find((part) => part.kind === kind)!;
      // A shared service may be on its way to a larger or smaller set of VMs.
      if (found.pid !== null && (found.status !== null || kind === 'toolstack')) return found;
      await sleep(20);
    }
  };
  const restarted = async (vm: string, kind: string, than: number): Promise<void> => {
    while ((await partOf(vm, kind)).pid === than) await sleep(20);
  };

  test('slice, storage and scheduler may die under a running guest; each is replaced', {
    timeout: DEADLINE,
  }, async () => {
    const machine = await startVirtualMachine(CONFIG);
    for (const kind of ['slice', 'storage', 'scheduler', 'slice']) {
      const { pid } = await partOf(machine.id, kind);
      process.kill(pid!, 'SIGKILL');
      await restarted(machine.id, kind, pid!);
    }
    expect((await partOf(machine.id, 'slice')).restarts).toBe(2);
    machine.kill();
    expect(await machine.ended).toEqual({ kind: 'killed' });
    expect(await residue()).toEqual(before);
  });

  test('a toolstack that dies ends every VM, and whoever holds one hears so', { timeout: DEADLINE }, async () => {
    const machine = await startVirtualMachine(CONFIG);
    process.kill((await partOf(machine.id, 'toolstack')).pid!, 'SIGKILL');
    expect(await machine.ended).toEqual({ kind: 'failed', reason: 'The toolstack is gone, and with it every VM' });
    expect(await residue()).toEqual(before);
    expect(await listMachines()).toEqual([]);
  });

  test('a machine that dies ends its own VM and no other', { timeout: DEADLINE }, async () => {
    const [one, other] = await Promise.all([
      startVirtualMachine(CONFIG),
      startVirtualMachine({ ...CONFIG, disks: [] }),
    ]);
    process.kill((await partOf(one!.id, 'machine')).pid!, 'SIGKILL');
    expect(await one!.ended).toEqual({ kind: 'failed', reason: expect.stringMatching(/^The machine is gone/) });
    expect((await listMachines()).map(({ vm }) => vm)).toEqual([other!.id]);
    other!.kill();
    await other!.ended;
    expect(await residue()).toEqual(before);
  });

  test('are replaced by another build, killed and stopped by whoever has the token', {
    timeout: DEADLINE,
  }, async () => {
    const machine = await startVirtualMachine(CONFIG, { label: 'mine' });
    const { pid, code } = await partOf(machine.id, 'slice');
    const build = join(folder, 'slice-build.js');
    writeFileSync(build, `${readFileSync(fileURLToPath(bundleUrl('slice')), 'utf8')}\n// Another build.\n`);
    await upgradeMachine(machine.id, build);
    await restarted(machine.id, 'slice', pid!);
    expect((await partOf(machine.id, 'slice')).code).not.toBe(code);
    expect(await listMachines()).toMatchObject([{ vm: machine.id, label: 'mine' }]);
    const asked = new Promise<void>((resolve) => {
      machine.onStop = resolve;
    });
    await tellMachine(machine.id, 'stop');
    await asked;
    writeFileSync(join(runtime, machine.id, 'token'), '0'.repeat(64));
    await expect(tellMachine(machine.id, 'kill')).rejects.toThrow(/token is not its own/);
    machine.kill();
    await machine.ended;
    await expect(inspectMachine(machine.id)).rejects.toThrow(/There is no VM/);
    expect(await residue()).toEqual(before);
  });

  test('that cannot be started leave nothing', { timeout: DEADLINE }, async () => {
    const started = startVirtualMachine(CONFIG, { builds: { hart: join(folder, 'nonesuch.js') } });
    await expect(started).rejects.toThrow(/nonesuch/);
    expect(await residue()).toEqual(before);
    const sliceless = startVirtualMachine(CONFIG, { builds: { slice: disk } });
    await expect(sliceless).rejects.toThrow(/^The slice cannot be kept running/);
    expect(await residue()).toEqual(before);
  });

  test('hold what they were given and nothing else, and hear no signal of our terminal', {
    timeout: DEADLINE,
  }, async () => {
    const machine = await startVirtualMachine(CONFIG);
    const given = async (kind: string) =>
      Object.entries((await partOf(machine.id, kind)).descriptors)
        .map(([fd, what]) => [Number(fd), what] as const)
        // Node's own: its event loop, its threads' wake-ups, a spare descriptor.
        .filter(([fd, what]) => !/^anon_inode:|^pipe:/.test(what) && (fd < 3 || !/^\/(dev\/null)?$/.test(what)))
        .sort(([a], [b]) => a - b)
        .map(([, what]) => what.replace(/\[.*\]|-[-0-9a-f]{36}/g, ''));
    // Nothing in, nothing out, what it says to the operator, the launcher.
    const standard = ['/dev/null', '/dev/null', 'socket:', 'socket:'];
    const payloads = join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'cloister-payloads (deleted)');
    expect(await given('machine')).toEqual([...standard, 'socket:', payloads]);
    expect(await given('slice')).toEqual([...standard, 'socket:', 'socket:', 'socket:', 'socket:']);
    // The VM's, and four to spare, at whose far end nobody is.
    expect(await given('scheduler')).toEqual([...standard, ...Array(5).fill('socket:')]);
    const overlay = join(tmpdir(), 'cloister-overlay (deleted)');
    const kernel = join(tmpdir(), 'cloister-boot (deleted)');
    expect(await given('storage')).toEqual([...standard, 'socket:', kernel, disk, disk, overlay, payloads]);
    // The socket that it takes clients from, and its client: this process.
    expect(await given('toolstack')).toEqual([...standard, 'socket:', 'socket:']);
    const sessions = new Set(launchedIn(runtime).map(({ session }) => session));
    expect(sessions.has(Number(readFileSync('/proc/self/stat', 'latin1').split(') ')[1]!.split(' ')[3]))).toBe(false);
    machine.kill();
    await machine.ended;
  });
});
