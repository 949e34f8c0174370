import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LaunchOptions, startVirtualMachine } from './start-virtual-machine.ts';
import type { Port, VirtualMachineConfig } from './virtual-machine.ts';

const folder = mkdtempSync(join(tmpdir(), 'start-virtual-machine-'));
const hart = join(folder, 'driver-hart.mjs');

beforeAll(async () => {
  await build({
    entryPoints: [fileURLToPath(new URL('../testing/driver-hart.ts', import.meta.url))],
    outfile: hart,
    bundle: true,
    format: 'esm',
    platform: 'node',
    conditions: ['source'],
  });
});
process.env.CLOISTER_RUNTIME_DIR = join(folder, 'runtime');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An Image without instructions: the hart of these tests reads what it shall do behind the header. */
function program(what: object): Uint8Array {
  const image = new Uint8Array(4096);
  const view = new DataView(image.buffer);
  view.setUint32(8, 0x20_0000, true);
  view.setUint32(16, image.length, true);
  view.setUint32(56, 0x0543_5352, true);
  image.set(new TextEncoder().encode(JSON.stringify(what)), 64);
  return image;
}

const machine = (what: object, more: Partial<VirtualMachineConfig> = {}): VirtualMachineConfig => ({
  memoryBytes: 64 << 20,
  kernel: program(what),
  commandLine: '',
  ports: ['other', 'session'],
  ...more,
});

function textOf(port: Port): { text: string } {
  const heard = { text: '' };
  port.onData = (bytes) => {
    heard.text += new TextDecoder().decode(bytes);
  };
  return heard;
}

const DISK_BYTES = 4 << 20;
const contents = Uint8Array.from({ length: DISK_BYTES }, (_, i) => (i >> 10) & 0xff);
const written = Uint8Array.from({ length: 900 * 1024 }, (_, i) => (i * 31 + (i >> 8)) & 0xff);

describe.each(['compartments', 'monolithic'] as const)('a machine in the form %s', (form) => {
  const options: LaunchOptions = { form, builds: { hart } };

  test('answers its guest’s drivers: entropy, disks, console, SBI', async () => {
    const [direct, throwAway, readOnly] = ['direct', 'throw-away', 'read-only'].map((name) => join(folder, name));
    for (const path of [direct, throwAway, readOnly]) writeFileSync(path!, contents);
    const vm = await startVirtualMachine(
      machine(
        { disks: 3, port: 'session' },
        {
          disks: [
            { path: direct!, writes: 'direct' },
            { path: throwAway!, writes: 'discard' },
            { path: readOnly!, writes: 'direct', readOnly: true },
          ],
        },
      ),
      options,
    );
    const serial = textOf(vm.serial);
    const session = vm.ports.get('session')!;
    const echo = textOf(session);
    const closed = new Promise<void>((resolve) => {
      session.onClose = resolve;
    });
    const sent = 'the quick brown fox '.repeat(40_000);
    await session.write(new TextEncoder().encode(sent));
    session.end();
    await closed;
    expect(await vm.ended).toEqual({ kind: 'power-off' });
    expect(echo.text.length).toBe(sent.length);
    expect(echo.text).toBe(sent.toUpperCase());
    const ok = 'write=0 flush=0 read=0 same=true beyond=1';
    expect(serial.text.split('\n')).toEqual([
      'debug console',
      'status 0/0, no hart -3/0, start -6/0, write 0/14, outside -3/0, far outside -3/0, suspend -2/0',
      'entropy: 64 bytes, random',
      `disk 0: cloister-disk-0 ro=false sectors=8192 ${ok} discard=2`,
      `disk 1: cloister-disk-1 ro=false sectors=8192 ${ok} discard=0`,
      'disk 2: cloister-disk-2 ro=true sectors=8192 write=1 flush=0 read=0 same=false beyond=1 discard=2',
      expect.stringMatching(/^console: port 2 of 3 ended, \d+ control messages$/),
      '',
    ]);
    const after = readFileSync(direct!);
    expect(Buffer.compare(after.subarray(4096, 4096 + written.length), written)).toBe(0);
    for (const path of [throwAway, readOnly]) expect(Buffer.compare(readFileSync(path!), contents)).toBe(0);
  });

  test('says that its guest asked for a reset', async () => {
    const vm = await startVirtualMachine(machine({ disks: 0, port: 'other', reset: true }), options);
    vm.ports.get('other')!.end();
    expect(await vm.ended).toEqual({ kind: 'reset' });
  });

  test('is killed while its guest waits', async () => {
    const vm = await startVirtualMachine(machine({ disks: 0, port: 'other' }), options);
    const heard = new Promise<void>((resolve) => {
      vm.serial.onData = () => resolve();
    });
    await heard;
    vm.kill();
    expect(await vm.ended).toEqual({ kind: 'killed' });
  });

  test.each([
    ['Image', new Uint8Array(4096).fill(7), /no RISC-V Image/],
    ['whole kernel', new Uint8Array(20).fill(7), /truncated: it has 20 bytes/],
    ['kernel at all', new Uint8Array(0), /truncated: it has 0 bytes/],
  ])('refuses what is no %s in one line', async (_name, kernel, reason) => {
    const started = startVirtualMachine(machine({}, { kernel }), options);
    await expect(started).rejects.toThrow(reason);
  });

  test('refuses more than its memory holds', async () => {
    const started = startVirtualMachine(machine({}, { initrd: new Uint8Array(62 << 20) }), options);
    await expect(started).rejects.toThrow(/need 65 MiB of memory, the machine has 64 MiB/);
  });
});

test.each([
  ['a file that is not there', join(folder, 'nonesuch'), /nonesuch/],
  ['a directory', folder, /is a directory/],
  ['a length that is no multiple of 4096', hart, /no multiple of 4096/],
])('a disk that is %s is refused', async (_name, path, reason) => {
  const started = startVirtualMachine(machine({}, { disks: [{ path, writes: 'discard' }] }));
  await expect(started).rejects.toThrow(reason);
});
