import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runSession, SESSION_PORTS, sessionScript } from '@cloister/images';
import { type DiskConfig, type LaunchOptions, startVirtualMachine } from '@cloister/launcher';
import { hostImages } from '@cloister/sdk';
import { afterAll, describe, expect, test } from 'vitest';
import { writeHashTree } from '../packages/host/images/src/store/hash-tree-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloister-forms-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const DISK_BYTES = 8 * 2 ** 20;
const PATTERN = 'cloister'.repeat(128 * 1024);

const treeOf = async (disk: string) => ({ path: `${disk}.tree`, rootHash: await writeHashTree(disk, `${disk}.tree`) });

/** Boots busybox in one form and runs a script; the machine has ended when this resolves. */
async function boot(form: LaunchOptions['form'], script: string, disks: readonly DiskConfig[]) {
  const image = await hostImages().pull('busybox');
  const machine = await startVirtualMachine(
    {
      memoryBytes: 128 * 2 ** 20,
      kernel: image.kernel,
      initrd: image.initrd,
      commandLine: image.commandLine,
      ports: SESSION_PORTS,
      disks,
    },
    form === undefined ? {} : { form },
  );
  let stdout = '';
  const end = await runSession(machine, sessionScript({ argv: ['sh', '-c', script] }), {
    stdin: Buffer.from(PATTERN),
    onStdout: (bytes) => {
      stdout += Buffer.from(bytes).toString('latin1');
    },
  });
  return { end, stdout };
}

describe.each(['compartments', 'monolithic'] as const)('a machine in the form "%s"', (form) => {
  test('boots, and passes on what is written and read', async () => {
    const { end, stdout } = await boot(form, 'uname -m; wc -c', []);
    expect([end, stdout]).toEqual([{ kind: 'exited', status: 0 }, `riscv64\n${PATTERN.length}\n`]);
  }, 120_000);

  test('writes a disk in place, reads it back, and leaves the base of an overlay alone', async () => {
    const file = (name: string): string => {
      const path = join(folder, `${form}-${name}`);
      writeFileSync(path, new Uint8Array(DISK_BYTES).fill(7));
      return path;
    };
    const [direct, base] = [file('direct.img'), file('base.img')];
    const script = `cat > /tmp/p
      for disk in vda vdb; do dd if=/tmp/p of=/dev/$disk bs=4096 seek=3 conv=notrunc 2> /dev/null || exit 1; done
      sync; echo 3 > /proc/sys/vm/drop_caches
      for disk in vda vdb; do dd if=/dev/$disk bs=4096 skip=3 count=256 2> /dev/null | cmp - /tmp/p || exit 2; done
      dd if=/dev/vdb bs=4096 count=3 2> /dev/null | tr -d '\\007' | wc -c`;
    const { end, stdout } = await boot(form, script, [
      { path: direct, writes: 'direct' },
      { path: base, writes: 'discard', tree: await treeOf(base) },
    ]);
    expect([end, stdout]).toEqual([{ kind: 'exited', status: 0 }, '0\n']);
    const written = readFileSync(direct);
    expect(written.subarray(12_288, 12_288 + PATTERN.length).toString('latin1')).toBe(PATTERN);
    expect(written.subarray(12_288 + PATTERN.length).every((byte) => byte === 7)).toBe(true);
    expect(readFileSync(base).every((byte) => byte === 7)).toBe(true);
  }, 120_000);

  const guarded = form === 'compartments';
  test(`${guarded ? 'gives no byte of' : 'control: without a seal, reads'} a base that is not what its hash tree says`, async () => {
    const base = join(folder, `${form}-altered.img`);
    writeFileSync(base, new Uint8Array(DISK_BYTES).fill(7));
    const tree = await treeOf(base);
    writeFileSync(base, new Uint8Array(DISK_BYTES).fill(8));
    const script =
      'dd if=/dev/vda bs=4096 count=1 2> /dev/null | tr -d "\\010" | wc -c; dd if=/dev/vda of=/dev/null count=8';
    const { end, stdout } = await boot(form, script, [{ path: base, writes: 'discard', tree }]);
    expect([end, stdout]).toEqual([{ kind: 'exited', status: guarded ? 1 : 0 }, '0\n']);
  }, 120_000);
});
