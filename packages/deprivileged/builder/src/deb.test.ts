import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { plainFile, TAR_END, tarHeader, tarPadding } from '../../../host/images/src/tar-write.ts';
import { arOf, debOf, tarOf } from '../testing/package-writer.ts';
import { byteReader, collect, sourceOf } from './byte-reader.ts';
import { debEntries, repackDeb } from './deb.ts';
import { tarEntries } from './tar-read.ts';

const LIMIT = 1 << 20;
const long = `usr/share/${'x'.repeat(150)}/file`;
const deb = debOf('Package: a\n', { 'usr/': '', 'usr/bin/a': 'hello', [long]: 'long' });

async function* inBytes(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < bytes.length; index += 3) yield bytes.subarray(index, index + 3);
}

async function files(source: AsyncIterable<Uint8Array>, limit = LIMIT): Promise<Record<string, string>> {
  const out: Record<string, string> = {};
  for await (const { header, content } of debEntries(source, limit)) {
    out[`${header.type}:${header.name}`] = Buffer.from(await collect(content, LIMIT)).toString();
  }
  return out;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error) => (error as { code?: string }).code ?? `not a builder error: ${error}`,
  );
}

describe('deb(5)', () => {
  const expected = { 'directory:usr': '', 'file:usr/bin/a': 'hello', [`file:${long}`]: 'long' };

  test('the data archive, in chunks of any size', async () => {
    expect(await files(sourceOf(deb))).toEqual(expected);
    expect(await files(inBytes(deb))).toEqual(expected);
  });

  test('repacked it is uncompressed and says the same, always in the same bytes', async () => {
    const repack = async (source: AsyncIterable<Uint8Array>) => Buffer.concat(await repackDeb(source, LIMIT));
    const repacked = await repack(inBytes(deb));
    expect(repacked.includes('data.tar ')).toBe(true);
    expect(await files(sourceOf(repacked))).toEqual(expected);
    expect(await repack(sourceOf(deb))).toEqual(repacked);
    expect(await repack(sourceOf(repacked))).toEqual(repacked);
  });

  test('entries may be left unread and the walk left early', async () => {
    for await (const { header } of debEntries(sourceOf(deb), LIMIT)) if (header.name === 'usr/bin/a') break;
    const names: string[] = [];
    for await (const { header } of debEntries(sourceOf(deb), LIMIT)) names.push(header.name);
    expect(names).toEqual(['usr', 'usr/bin/a', long]);
  });

  test.each([
    ['no archive', Buffer.from('<html>not found</html>'), 'malformed'],
    ['nothing', Buffer.alloc(0), 'truncated'],
    ['no data', arOf({ 'debian-binary': Buffer.from('2.0\n') }), 'malformed'],
    ['another first member', arOf({ x: Buffer.alloc(1) }), 'malformed'],
    [
      'unknown compression',
      arOf({ 'debian-binary': Buffer.from('2.0\n'), 'data.tar.lz': Buffer.alloc(9) }),
      'unsupported',
    ],
    ['cut in the middle', deb.subarray(0, deb.length - 40), 'truncated'],
    ['damaged gzip', arOf({ 'debian-binary': Buffer.from('2.0\n'), 'data.tar.gz': Buffer.alloc(50, 7) }), 'malformed'],
    [
      'cut gzip',
      arOf({
        'debian-binary': Buffer.from('2.0\n'),
        'data.tar.gz': gzipSync(tarOf({ a: 'x'.repeat(9999) })).subarray(0, 30),
      }),
      'truncated',
    ],
  ])('%s', async (_, bytes, code) => {
    expect(await codeOf(files(sourceOf(bytes)))).toBe(code);
  });

  test('a decompression bomb stops at the limit', async () => {
    const bomb = debOf('Package: a\n', { zeros: Buffer.alloc(5 << 20) });
    expect(await codeOf(files(sourceOf(bomb), LIMIT))).toBe('too-large');
    expect(await codeOf(repackDeb(sourceOf(bomb), LIMIT))).toBe('too-large');
  });
});

describe('tar', () => {
  const read = async (bytes: Uint8Array) => {
    const out = [];
    for await (const { header } of tarEntries(byteReader(sourceOf(bytes)))) out.push(header);
    return out;
  };

  test('links, devices and owners', async () => {
    const headers = [
      { ...plainFile('bin/sh', 0), type: 'symlink' as const, linkName: `../${'y'.repeat(120)}`, mtime: 12345 },
      { ...plainFile('b', 0), type: 'hardlink' as const, linkName: 'a' },
      { ...plainFile('dev/null', 0, 0o666), type: 'character' as const, major: 1, minor: 3, uid: 7, gid: 8 },
    ];
    expect(await read(Buffer.concat([...headers.map(tarHeader), TAR_END]))).toEqual(headers);
  });

  test('pax records replace the header', async () => {
    const record = (text: string) => `${text.length + 4} ${text}\n`;
    const records = Buffer.from(record('path=./ä/name'.replace('ä', 'a')) + record('mtime=99.5'));
    const pax = Buffer.concat([tarHeader(plainFile('PaxHeader', records.length)), records, tarPadding(records.length)]);
    pax[156] = 'x'.charCodeAt(0);
    pax.set(Buffer.from(`${checksum(pax).toString(8).padStart(6, '0')}\0 `), 148);
    const headers = await read(Buffer.concat([pax, tarHeader(plainFile('short', 0)), TAR_END]));
    expect(headers).toMatchObject([{ name: 'a/name', mtime: 99 }]);
  });

  test.each([
    ['a wrong checksum', Buffer.alloc(512, 1), 'malformed'],
    ['no end mark', Buffer.from(tarHeader(plainFile('a', 0))), 'truncated'],
    ['content that is not there', Buffer.from(tarHeader(plainFile('a', 100_000))), 'truncated'],
  ])('%s', async (_, bytes, code) => {
    expect(await codeOf(read(bytes))).toBe(code);
  });
});

function checksum(block: Buffer): number {
  let sum = 0;
  for (let index = 0; index < 512; index++) sum += index >= 148 && index < 156 ? 0x20 : block[index]!;
  return sum;
}
