import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { cloister } from './testing/command.ts';
import { VERSION } from './version.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloister-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, bytes: Uint8Array | string): string => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};
mkdirSync(join(folder, 'directory'));

/** An ELF header for x86-64, and a kernel header without the rest of its kernel. */
const elf = new Uint8Array(64);
elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
elf[18] = 62;
const truncated = new Uint8Array(4096);
new DataView(truncated.buffer).setUint32(0x38, 0x05435352, true);
new DataView(truncated.buffer).setUint32(0x3c, 0x40, true);
truncated.set([0x4d, 0x5a]);
new DataView(truncated.buffer).setBigUint64(8, 0x20_0000n, true);
new DataView(truncated.buffer).setBigUint64(16, 0x20_0000n, true);
truncated.set([0x50, 0x45, 0, 0], 0x40);
new DataView(truncated.buffer).setUint16(0x46, 1, true);
new DataView(truncated.buffer).setUint32(0x40 + 24 + 16, 1_000_000, true);
new DataView(truncated.buffer).setUint32(0x40 + 24 + 20, 4096, true);

const odd = file('odd.img', new Uint8Array(1000));
const directory = join(folder, 'directory');
const CASES: readonly (readonly [what: string, args: readonly string[], line: RegExp])[] = [
  ['an unknown command', ['frobnicate'], /Unknown command 'frobnicate'/],
  ['an unknown flag', ['run', '--frobnicate', 'busybox'], /Unknown option '--frobnicate'/],
  ['an unknown image', ['run', 'nonesuch', 'true'], /There is no image "nonesuch"/],
  ['no image', ['run'], /No image was given/],
  ['too little memory', ['run', '-m', '63m', 'busybox'], /"63m" is too little memory/],
  ['too much memory', ['run', '-m', '4g', 'busybox'], /"4g" is more memory/],
  ['memory that is no size', ['run', '-m', 'lots', 'busybox'], /"lots" is not a size/],
  ['a time that is none', ['run', '--timeout', 'soon', 'busybox'], /"soon" is not a duration/],
  ['no receipt to verify', ['verify'], /Name a receipt, or give --rebuild/],
  ['a published port', ['run', '-p', '8080:80', 'busybox'], /no --publish yet.*no network/],
  ['a number of CPUs that is none', ['run', '--cpus', 'many', 'busybox'], /"many" is no number of CPUs.*--cpus 0\.5/],
  ['a detached run that would fail', ['run', '-d', '--cpus', '0', 'busybox'], /"0" is no number of CPUs/],
  ['a VM that does not run', ['inspect', 'nonesuch'], /There is no VM "nonesuch"/],
  ['a VM that nobody started, to end it', ['kill', '00000000'], /There is no VM "00000000"/],
  ['a run in the background that there is not', ['logs', 'nonesuch'], /There is no VM "nonesuch"/],
  ['a slice to debug without saying so', ['debug', 'nonesuch'], /--slice/],
  ['a volume', ['run', '--volume', '/a:/b', 'busybox'], /no --volume yet.*--disk/],
  ['a copy without a target', ['run', '--copy', directory, 'busybox'], /is not SRC:DST/],
  ['a copy of nothing', ['run', '--copy', `${join(folder, 'none')}:/x`, 'nonesuch'], /There is no image|Cannot read/],
  ['a disk of odd length', ['run', '--disk', odd, 'busybox'], /1000 bytes, no multiple of 512/],
  ['a disk that is a directory', ['run', '--disk', directory, 'busybox'], /is a directory/],
  ['a disk that is not there', ['run', '--disk', join(folder, 'none'), 'busybox'], /Cannot open the disk/],
  ['a kernel that is not there', ['run', '--kernel', join(folder, 'none')], /Cannot open the kernel/],
  ['a kernel that is a directory', ['run', '--kernel', directory], /is a directory/],
  ['a kernel that is none', ['run', '--kernel', odd], /The kernel is no RISC-V Image/],
  ['an ELF for another machine', ['run', '--kernel', file('elf', elf)], /The kernel is an ELF file for x86-64/],
  ['a truncated Image', ['run', '--kernel', file('cut', truncated)], /The kernel is truncated: it has 4096 of/],
  ['a damaged Image.gz', ['run', '--kernel', file('a.gz', Uint8Array.of(0x1f, 0x8b, 8, 0, 1, 2))], /damaged gzip/],
  ['an image beside --kernel', ['run', '--kernel', odd, 'busybox'], /With --kernel there is no image/],
  ['--initrd without --kernel', ['run', '--initrd', odd, 'busybox'], /--initrd needs --kernel/],
  ['an image that is not there, to remove', ['image', 'rm', 'nonesuch'], /There is no image "nonesuch"/],
  ['an image that is not there, to look at', ['image', 'inspect', 'nonesuch'], /There is no image "nonesuch"/],
  ['a mirror that is no URL', ['image', 'pull', 'busybox', '--mirror', 'nonsense'], /nonsense/],
];

describe('bad input gets one line that says what to do, and 125', () => {
  const env = { CLOISTER_CACHE_DIR: join(folder, 'cache') };
  test.each(CASES)('%s', async (_what, args, line) => {
    const { status, stdout, stderr } = await cloister(args, { env });
    expect(stderr).toMatch(/^cloister: [^\n]+\n$/);
    expect(stderr).toMatch(line);
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
  });

  test('a cache directory that cannot be made', async () => {
    const { status, stderr } = await cloister(['image', 'pull', 'busybox'], {
      env: { CLOISTER_CACHE_DIR: join(odd, 'cache') },
    });
    expect(stderr).toMatch(/^cloister: .*CLOISTER_CACHE_DIR\n$/);
    expect(status).toBe(125);
  });

  test('with --json the same as data', async () => {
    const { stdout } = await cloister(['image', 'inspect', 'nonesuch', '--json'], { env });
    expect(JSON.parse(stdout)).toMatchObject({ schema: 1, error: { code: 'unknown-image' } });
  });
});

test("the version is the package's; help goes to stdout with status 0", async () => {
  const manifest = fileURLToPath(new URL('../package.json', import.meta.url));
  expect(VERSION).toBe((JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version);
  expect(await cloister(['--version'])).toEqual({ status: 0, stdout: `${VERSION}\n`, stderr: '' });
  const help = await cloister(['run', '--help']);
  expect(help.status).toBe(0);
  expect(help.stdout).toContain('no network yet');
});
