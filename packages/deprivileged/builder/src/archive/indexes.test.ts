import { describe, expect, test } from 'vitest';
import { collect, sourceOf } from '../byte-reader.ts';
import { compressionOf, decompress } from '../decompress.ts';
import { plainKernel } from '../kernel-image.ts';
import { moduleDependencies } from '../kernel-module.ts';
import { paragraphs } from './control-file.ts';
import { type PackageRecord, packagesOf } from './package-record.ts';
import { wantedFiles } from './print-uris.ts';
import { relationsOf, versionSatisfies } from './relation.ts';
import { parseRelease } from './release.ts';
import { compareVersions } from './version.ts';

const SHA = 'a'.repeat(64);
const index = (fields: Record<string, string>) =>
  Object.entries({
    Package: 'bash',
    Version: '1:5.2-1',
    Architecture: 'riscv64',
    Filename: 'pool/main/b/bash/bash_5.2-1_riscv64.deb',
    Size: '10',
    SHA256: SHA,
    ...fields,
  })
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');

async function packages(text: string): Promise<PackageRecord[]> {
  const out: PackageRecord[] = [];
  for await (const record of packagesOf(sourceOf(Buffer.from(text.slice(0, 11)), Buffer.from(text.slice(11)))))
    out.push(record);
  return out;
}

describe('Packages', () => {
  test('records, over chunk boundaries', async () => {
    const text = `${index({ Essential: 'yes', Description: 'x\n long' })}\n${index({ Package: 'dash', Depends: 'libc6 (>= 2),\n a | b' })}`;
    const records = await packages(text);
    expect(records).toHaveLength(2);
    expect(records[0]).toMatchObject({ name: 'bash', version: '1:5.2-1', size: 10, essential: true });
    expect(relationsOf(records[1]!.depends)).toEqual([
      [{ name: 'libc6', operator: '>=', version: '2' }],
      [
        { name: 'a', operator: undefined, version: undefined },
        { name: 'b', operator: undefined, version: undefined },
      ],
    ]);
  });

  test.each([
    [{ Filename: '../../etc/passwd.deb' }],
    [{ Filename: 'pool/../x.deb' }],
    [{ Filename: 'pool/main/a b.deb' }],
    [{ SHA256: 'abc' }],
    [{ Size: '-1' }],
    [{ Package: "x'; rm" }],
  ])('refuses %j', async (fields) => {
    await expect(packages(index(fields))).rejects.toMatchObject({ code: 'malformed' });
  });

  test('a paragraph without end is refused', async () => {
    await expect(packages(`X: ${'y'.repeat(5 << 20)}`)).rejects.toMatchObject({ code: 'too-large' });
  });
});

describe('Release', () => {
  const text = `Origin: Debian\nSuite: stable\nCodename: trixie\nDate: Sat, 21 Nov 2026 09:15:44 UTC\nAcquire-By-Hash: yes\nMD5Sum:\n abc 1 x\nSHA256:\n ${SHA}  12 main/binary-riscv64/Packages.xz\n`;

  test('fields and files', () => {
    const release = parseRelease(text);
    expect(release).toMatchObject({ origin: 'Debian', codename: 'trixie', acquireByHash: true, validUntil: undefined });
    expect(release.date).toBe(Date.UTC(2026, 10, 21, 9, 15, 44));
    expect(release.files.get('main/binary-riscv64/Packages.xz')).toEqual({ size: 12, sha256: SHA });
  });

  test.each([
    '',
    'Origin: Debian\n',
    text.replace(SHA, 'zz'),
    text.replace('Date', 'Tade'),
    `${text}no colon\n`,
    `${text}Date: x\n`,
  ])('refuses %#', (bad) => {
    expect(() => parseRelease(bad)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });
});

describe('Debian Policy 5.6.12: versions', () => {
  test.each([
    ['1.0', '1.0', 0],
    ['1.0~rc1', '1.0', -1],
    ['1.0~~', '1.0~', -1],
    ['1:0.1', '2.0', 1],
    ['1.10', '1.9', 1],
    ['1.0-1', '1.0-1+b1', -1],
    ['1.0a', '1.0+', -1],
    ['1.0', '1.0-0', 0],
    ['6.12.57+deb13-1', '6.12.9+deb13-1', 1],
    ['00012', '12', 0],
  ])('%s and %s', (a, b, order) => {
    expect(Math.sign(compareVersions(a, b))).toBe(order);
    expect(Math.sign(compareVersions(b, a))).toBe(order === 0 ? 0 : -order);
  });

  test('relations', () => {
    const holds = (version: string, relation: string) => versionSatisfies(version, relationsOf(relation)[0]![0]!);
    expect(holds('2.41-1', 'libc6 (>= 2.38)')).toBe(true);
    expect(holds('2.37-1', 'libc6:any (>= 2.38)')).toBe(false);
    expect(holds('1', 'x (<< 1)')).toBe(false);
    expect(holds('1', 'x')).toBe(true);
  });
});

describe('apt-get --print-uris', () => {
  const base = 'http://mirror.invalid/debian';

  test('files below the mirror', () => {
    const output = `Reading...\n'${base}/pool/main/g/gcc/gcc_4%3a14_riscv64.deb' gcc_4%3a14_riscv64.deb 1432 SHA256:${SHA}\n`;
    expect(wantedFiles(output, base)).toEqual([{ filename: 'pool/main/g/gcc/gcc_4:14_riscv64.deb' }]);
  });

  test('nothing else', () => {
    expect(() => wantedFiles(`'http://other/x.deb' x.deb 1 SHA256:${SHA}`, base)).toThrow(/outside the mirror/);
  });
});

describe('kernels and modules', () => {
  const image = Buffer.alloc(4096);
  image.writeBigUInt64LE(4096n, 16);
  image.write('RSC\u0005', 0x38, 'latin1');

  test("a plain, gzip'ed and EFI-wrapped Image", async () => {
    const { gzipSync } = await import('node:zlib');
    const packed = gzipSync(image);
    const wrapper = Buffer.alloc(64);
    wrapper.write('MZ\0\0zimg', 0, 'latin1');
    wrapper.writeUInt32LE(64, 8);
    wrapper.writeUInt32LE(packed.length, 12);
    wrapper.write('gzip', 24);
    for (const file of [image, packed, Buffer.concat([wrapper, packed])])
      expect(Buffer.from(await plainKernel(file))).toEqual(image);
    await expect(plainKernel(Buffer.concat([wrapper, packed]).subarray(0, 80))).rejects.toMatchObject({
      code: 'truncated',
    });
  });

  test.each([
    ['an ELF file', Buffer.from('7f454c460201', 'hex'), 'unsupported'],
    ['nothing', Buffer.alloc(0), 'unsupported'],
    ['a cut Image', image.subarray(0, 1000), 'truncated'],
  ])('%s is refused', async (_, file, code) => {
    await expect(plainKernel(file)).rejects.toMatchObject({ code });
  });

  test('no module', () => {
    expect(() => moduleDependencies(Buffer.alloc(100))).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  test('an odd control file', () => {
    expect(() => paragraphs('A: 1\nA: 2\n')).toThrow();
    expect(paragraphs('# c\nA: 1\n 2\n\n \n\nB:\n').map((fields) => [...fields])).toEqual([
      [['a', '1\n2']],
      [['b', '']],
    ]);
  });
});

describe('xz and zstd', () => {
  const XZ = Buffer.from(
    '/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQALaGVsbG8gd29ybGQKAKHy/8Rqf7/PAAEkDKYY2NgftvN9AQAAAAAEWVo=',
    'base64',
  );
  const ZST = Buffer.from('KLUv/QRYYQAAaGVsbG8gd29ybGQKjG19IA==', 'base64');

  test.each([
    ['xz', XZ],
    ['zstd', ZST],
  ] as const)('%s: whole, cut and damaged', async (kind, bytes) => {
    const run = (input: Uint8Array, limit = 100) => collect(decompress(sourceOf(input), kind, limit), 100);
    expect(compressionOf(bytes)).toBe(kind);
    expect(Buffer.from(await run(bytes)).toString()).toBe('hello world\n');
    await expect(run(bytes.subarray(0, bytes.length - 8))).rejects.toHaveProperty('code');
    await expect(run(Buffer.concat([bytes.subarray(0, 12), Buffer.alloc(40, 0xee)]))).rejects.toHaveProperty('code');
    await expect(run(bytes, 5)).rejects.toMatchObject({ code: 'too-large' });
    // A failed decoder never stops a later one.
    expect(Buffer.from(await run(bytes)).toString()).toBe('hello world\n');
  });
});
