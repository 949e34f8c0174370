import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostImages } from '@cloister/sdk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cloister, start } from './testing/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloister-run-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `busybox` is made on the first run on a machine: it is downloaded from the mirror. */
beforeAll(async () => {
  const { status, stderr } = await start(['image', 'pull', 'busybox'], {}, 300_000).finished;
  if (status !== 0) throw new Error(stderr);
}, 310_000);

const busybox = (...words: string[]): string[] => ['run', '-m', '128m', 'busybox', ...words];

describe('cloister run busybox', () => {
  test('passes on stdin, stdout, stderr and the exit status', async () => {
    const result = await cloister(busybox('sh', '-c', 'cat; echo problem >&2; exit 7'), { stdin: 'hi\n' });
    expect(result).toEqual({ status: 7, stdout: 'hi\n', stderr: 'problem\n' });
  });

  test.each([
    [127, ['nonesuch']],
    [126, ['/etc']],
    [128 + 9, ['sh', '-c', 'kill -9 $$']],
  ])('ends with %i as a shell does', async (status, words) => {
    expect((await cloister(busybox(...words))).status).toBe(status);
  });

  test('sets variables, directory and user', async () => {
    const args = ['run', '-e', 'A=1 2', '-e', 'B', '-w', '/tmp/new', '-u', '7:8', 'busybox'];
    const { stdout } = await cloister([...args, 'sh', '-c', 'echo "$A$B"; pwd; id -u; id -g'], { env: { B: "'" } });
    expect(stdout).toBe("1 2'\n/tmp/new\n7\n8\n");
  });

  test('gives flags behind the image to the guest', async () => {
    expect((await cloister(busybox('echo', '-n', '--help', '-v'))).stdout).toBe('--help -v');
  });

  test('stops at its time with 124', async () => {
    const { status, stderr } = await cloister(['run', '--timeout', '4s', 'busybox', 'sh', '-c', 'while :; do :; done']);
    expect([status, stderr]).toEqual([124, expect.stringMatching(/^cloister: .*--timeout\n$/)]);
  });

  test('says so when the guest halts before its command ended', async () => {
    const { status, stderr } = await cloister(busybox('sh', '-c', 'poweroff -f; sleep 10'));
    expect(status).toBe(125);
    expect(stderr).toMatch(/cloister: The guest powered off before/);
  });

  test('says so when the guest is reset before its command ended', async () => {
    const { status, stderr } = await cloister(busybox('sh', '-c', 'reboot -f; sleep 10'));
    expect(status).toBe(125);
    expect(stderr).toMatch(/cloister: The guest was reset before/);
  });

  test('a kernel of the user’s that panics ends with 125 and its last lines, one that powers off with 0', async () => {
    const { kernel, initrd } = await hostImages({ cacheDirectory: process.env.CLOISTER_CACHE_DIR }).pull('busybox');
    const boot = ['run', '--no-stdin', '-m', '128m', '--kernel', kernel, '--initrd', initrd, '--append'];
    const words = 'console=ttyS0 cryptomgr.notests=1 panic=-1 rdinit=/bin/busybox --';
    const panic = await cloister([...boot, `${words} true`]);
    expect(panic.status).toBe(125);
    expect(panic.stderr).toMatch(
      /Call Trace[\s\S]*\ncloister: The guest's kernel panicked: [^\n]*Check --append[^\n]*\n$/,
    );
    const off = await cloister([...boot, `${words} poweroff -f`]);
    expect([off.status, off.stderr]).toEqual([0, '']);
  });

  test('passes signals on', async () => {
    const command = start(busybox('sh', '-c', 'trap "echo caught; exit 3" INT; echo up; while :; do sleep 1; done'));
    await command.seen('up');
    command.process.kill('SIGINT');
    expect(await command.finished).toEqual({ status: 3, stdout: 'up\ncaught\n', stderr: '' });
  });

  test('two at once share an image', async () => {
    const both = await Promise.all([cloister(busybox('echo', 'a')), cloister(busybox('echo', 'b'))]);
    expect(both.map(({ stdout }) => stdout)).toEqual(['a\n', 'b\n']);
  });

  test('keeps what is written to a disk, and writes nothing to a read-only one', async () => {
    const disk = join(folder, 'disk.img');
    writeFileSync(disk, '');
    truncateSync(disk, 1024 * 1024);
    const write = ['sh', '-c', 'printf kept | dd of=/dev/vda bs=512 seek=3 conv=notrunc 2>/dev/null; sync'];
    expect((await cloister(['run', '--disk', disk, 'busybox', ...write])).status).toBe(0);
    expect(readFileSync(disk).subarray(1536, 1540).toString()).toBe('kept');
    const erase = ['sh', '-c', 'dd if=/dev/zero of=/dev/vda bs=512 count=8 2>/dev/null && sync'];
    expect((await cloister(['run', '--disk', `${disk},ro`, 'busybox', ...erase])).status).not.toBe(0);
    expect(readFileSync(disk).subarray(1536, 1540).toString()).toBe('kept');
  });

  test('copies files and directories into the guest', async () => {
    mkdirSync(join(folder, 'tree', 'deep'), { recursive: true });
    writeFileSync(join(folder, 'tree', 'deep', 'run.sh'), '#!/bin/sh\necho "ran $1"\n', { mode: 0o755 });
    const copies = [
      '--copy',
      `${join(folder, 'tree')}:/opt/new/tree`,
      '--copy',
      `${join(folder, 'tree/deep/run.sh')}:/tmp/`,
    ];
    const { stdout, stderr } = await cloister([
      'run',
      ...copies,
      'busybox',
      'sh',
      '-c',
      '/opt/new/tree/deep/run.sh a; /tmp/run.sh b',
    ]);
    expect([stdout, stderr]).toEqual(['ran a\nran b\n', '']);
  });

  test('much output arrives whole', async () => {
    const { stdout } = await cloister(busybox('sh', '-c', 'seq 1 200000'));
    expect(stdout.length).toBe(1_288_895);
    expect(stdout.endsWith('\n200000\n')).toBe(true);
  });
});
