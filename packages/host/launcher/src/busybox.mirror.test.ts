import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openImages } from '@cloister/images';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testCache } from '../../images/testing/mirror.ts';
import { startVirtualMachine } from './start-virtual-machine.ts';

const folder = mkdtempSync(join(tmpdir(), 'busybox-forms-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let kernel = new Uint8Array(0);
let initrd = new Uint8Array(0);
beforeAll(async () => {
  const images = openImages({
    cacheDirectory: testCache(),
    warn: (line) => console.warn(line),
    startVirtualMachine: () => Promise.reject(new Error('Not needed')),
  });
  const image = await images.pull('busybox');
  kernel = readFileSync(image.kernel);
  initrd = readFileSync(image.initrd);
}, 240_000);

const SCRIPT = [
  '/bin/busybox --install -s /bin',
  'export PATH=/bin',
  'mount -t devtmpfs none /dev',
  'insmod /lib/modules/virtio_blk.ko',
  'echo sectors $(blockdev --getsz /dev/vda)',
  'dd if=/dev/vda bs=64k 2>/dev/null | sha256sum',
  'printf kept | dd of=/dev/vda bs=512 seek=3 conv=notrunc 2>/dev/null',
  'sync',
  'poweroff -f',
].join('; ');

const DISK_BYTES = 16 << 20;
const contents = Uint8Array.from({ length: DISK_BYTES }, (_, i) => (i >> 9) & 0xff);

describe.each(['one-process', 'child-processes'] as const)('Debian’s kernel and busybox in the form %s', (form) => {
  test('boots, reads and writes a disk, and powers off', { timeout: 120_000 }, async () => {
    const path = join(folder, `${form}.img`);
    writeFileSync(path, contents);
    const vm = await startVirtualMachine(
      {
        memoryBytes: 256 << 20,
        kernel,
        initrd,
        commandLine: `console=ttyS0 cryptomgr.notests=1 panic=-1 rdinit=/bin/busybox -- sh -c "${SCRIPT}"`,
        disks: [{ path, writes: 'direct' }],
      },
      { form },
    );
    let output = '';
    vm.serial.onData = (bytes) => {
      output += new TextDecoder().decode(bytes);
    };
    const end = await vm.ended;
    expect(end, output.slice(-1000)).toEqual({ kind: 'power-off' });
    expect(output).toMatch(/sectors 32768\r?\n/);
    expect(output).toContain(createHash('sha256').update(contents).digest('hex'));
    expect(readFileSync(path).subarray(1536, 1540).toString()).toBe('kept');
  });
});
