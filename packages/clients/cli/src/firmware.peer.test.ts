import { homedir } from 'node:os';
import { join } from 'node:path';
import { hostImages } from '@cloister/sdk';
import { expect, test } from 'vitest';
import { start } from './testing/command.ts';

/** Of Debian's package opensbi. */
const FIRMWARE = '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin';

test('OpenSBI starts Debian’s kernel, and answers its SBI calls', async () => {
  const cache = process.env.CLOISTER_CACHE_DIR ?? join(homedir(), '.cache/cloister');
  const { kernel, initrd } = await hostImages({ cacheDirectory: cache }).pull('busybox');
  const boot = ['--kernel', kernel, '--initrd', initrd, '--firmware', FIRMWARE];
  const append = 'console=ttyS0 cryptomgr.notests=1 panic=-1 rdinit=/bin/busybox -- poweroff -f';
  const command = start(['run', '--no-stdin', '--no-reboot', ...boot, '--append', append], {}, 90_000);
  const { status, stdout } = await command.finished;
  expect(stdout).toContain('OpenSBI v');
  expect(stdout).toContain('SBI implementation ID=0x1 ');
  expect(stdout).toContain('reboot: Power down');
  expect(status).toBe(0);
});
