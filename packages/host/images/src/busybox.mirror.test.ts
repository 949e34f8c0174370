import { readFileSync } from 'node:fs';
import { startBuilder } from '@cloister/launcher';
import { expect, test } from 'vitest';
import { testCache } from '../testing/mirror.ts';
import { openImages } from './open-images.ts';

// Needs a Debian mirror. One suite of it must verify; which, the line that is printed says.
test('the busybox image of the mirror that this machine uses', { timeout: 240_000 }, async () => {
  const images = openImages({
    cacheDirectory: testCache(),
    warn: (line) => console.warn(line),
    startBuilder,
    startVirtualMachine: () => Promise.reject(new Error('Not needed')),
  });
  const image = await images.pull('busybox');
  const kernel = readFileSync(image.kernel);
  expect(kernel.toString('latin1', 0x38, 0x3c)).toBe('RSC\u0005');
  const initrd = readFileSync(image.initrd).toString('latin1');
  for (const name of ['init', 'bin/busybox', 'lib/modules/virtio_blk.ko', 'lib/modules/ext4.ko'])
    expect(initrd).toContain(`${name}\0`);
  expect(image.manifest.packages.map(({ name }) => name)).toContain('busybox-static');
});
