import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { startBuilder } from '@cloister/launcher';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EPOCH } from '../../../deprivileged/builder/testing/openpgp-writer.ts';
import { leftIn } from '../../launcher/src/testing/residue.ts';
import { builderHere } from '../testing/builder-here.ts';
import { type FakeArchive, fakeArchive, fakeKernel, NOW } from '../testing/fake-archive.ts';
import type { ImagesOptions } from './images-context.ts';
import { openImages } from './open-images.ts';
import { diskDigest } from './store/disk-digest.ts';

let archive: FakeArchive;
let directory: string;
let warnings: string[];

beforeEach(async () => {
  archive = await fakeArchive();
  directory = mkdtempSync(join(tmpdir(), 'images-'));
  warnings = [];
});
afterEach(async () => {
  await archive.close();
  rmSync(directory, { recursive: true, force: true });
});

function open(options: Partial<ImagesOptions> = {}) {
  return openImages({
    mirror: archive.url,
    cacheDirectory: join(directory, 'cache'),
    warn: (line) => warnings.push(line),
    startVirtualMachine: () => Promise.reject(new Error('no machine here')),
    startBuilder: builderHere,
    ...options,
    testing: { pins: archive.pins, env: {}, now: () => NOW, aptDirectory: join(directory, 'apt'), ...options.testing },
  });
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error) => (error as { code?: string }).code ?? String(error),
  );
const imagesLeft = () =>
  readdirSync(join(directory, 'cache', 'images'), { withFileTypes: true }).map(({ name }) => name);

describe('the busybox image', () => {
  test('is made once, and needs no network after that', async () => {
    const image = await open().pull('busybox');
    expect(image.manifest).toMatchObject({
      schema: 2,
      name: 'busybox',
      suite: 'trixie',
      passedOver: [],
      expired: false,
      rootDisk: null,
    });
    expect(readFileSync(image.kernel)).toEqual(fakeKernel());
    expect(readFileSync(image.initrd).includes('busybox of trixie')).toBe(true);
    expect(image.commandLine).toContain('cryptomgr.notests=1 panic=-1');
    expect(statSync(join(directory, 'cache', 'images')).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, 'cache')).mode & 0o777).toBe(0o700);
    // The big kernel package is not kept.
    expect(archive.requests.filter(({ path }) => path.includes('linux-image-6.1'))).toHaveLength(1);
    await archive.close();
    expect(await open().pull('busybox')).toEqual(image);
    expect(await open().list()).toEqual([image.manifest]);
    expect(await open().inspect('busybox')).toEqual(image.manifest);
    expect(warnings).toEqual([]);
    await open().remove('busybox');
    expect(await open().list()).toEqual([]);
    expect(await codeOf(open().remove('busybox'))).toBe('unknown-image');
  });

  test('is the same when the builders are processes', async () => {
    const here = await open().pull('busybox');
    process.env.CLOISTER_RUNTIME_DIR = join(directory, 'runtime');
    const there = await open({ startBuilder, cacheDirectory: join(directory, 'other') }).pull('busybox');
    expect(there.manifest).toEqual(here.manifest);
    expect(readFileSync(there.initrd)).toEqual(readFileSync(here.initrd));
    expect(await leftIn(join(directory, 'runtime'))).toEqual([]);
  });

  test('has the same bytes wherever it is made', async () => {
    const first = await open().pull('busybox:sid');
    const second = await open({ cacheDirectory: join(directory, 'other') }).pull('busybox:sid');
    expect(second.manifest).toEqual(first.manifest);
    expect(readFileSync(second.initrd)).toEqual(readFileSync(first.initrd));
  });

  test('two at once both succeed, and one of them makes it', async () => {
    const [first, second] = await Promise.all([open().pull('busybox'), open().pull('busybox')]);
    expect(second).toEqual(first);
    expect(archive.requests.filter(({ path }) => path.includes('linux-image-6.1'))).toHaveLength(1);
    expect(warnings).toEqual(['Waiting for another Cloister that is making the image "busybox"']);
  });

  test('the lock and the work of a dead process stop nobody', async () => {
    const dead = 2 ** 22 + 1;
    const images = join(directory, 'cache', 'images');
    mkdirSync(join(images, 'busybox.lock'), { recursive: true });
    writeFileSync(join(images, 'busybox.lock', 'pid'), String(dead));
    mkdirSync(join(images, `.work-${dead}-aabbcc`));
    await open().pull('busybox');
    expect(imagesLeft()).toEqual(['busybox']);
  });

  test('one of the form before hash trees gets its tree, once its disk was seen to be whole', async () => {
    const image = await open().pull('busybox');
    const folder = join(directory, 'cache', 'images', 'busybox');
    const disk = join(folder, 'root.img');
    writeFileSync(disk, new Uint8Array(300 * 4096).fill(5));
    const old = {
      ...image.manifest,
      schema: 1,
      rootDisk: { size: 300 * 4096, digest: await diskDigest(disk) },
    };
    const writeOld = (): void => writeFileSync(join(folder, 'manifest.json'), JSON.stringify(old));
    writeOld();
    const { rootDisk, manifest } = await open().pull('busybox');
    const rootHash = expect.stringMatching(/^[0-9a-f]{64}$/);
    expect(rootDisk).toEqual({ path: disk, writes: 'discard', tree: { path: join(folder, 'root.tree'), rootHash } });
    expect(manifest).toEqual({ ...image.manifest, schema: 2, rootDisk: { size: 300 * 4096, rootHash } });
    expect((await open().pull('busybox')).manifest).toEqual(manifest);
    // A tree that is gone or cut is a damaged image, not one without a tree.
    writeFileSync(join(folder, 'root.tree'), 'short');
    expect(await codeOf(open().pull('busybox'))).toBe('damaged-image');
    writeFileSync(disk, new Uint8Array(300 * 4096).fill(6));
    writeOld();
    expect(await codeOf(open().pull('busybox'))).toBe('damaged-image');
  });

  test('an older init is replaced without network', async () => {
    const { manifest, initrd } = await open().pull('busybox');
    const path = join(directory, 'cache', 'images', 'busybox', 'manifest.json');
    writeFileSync(initrd, 'old');
    writeFileSync(path, JSON.stringify({ ...manifest, initVersion: 'old', initrd: { size: 3, sha256: 'x' } }));
    await archive.close();
    expect((await open().pull('busybox')).manifest).toEqual(manifest);
  });
});

describe('suites', () => {
  const breakIndex = (suite: string) => {
    archive.files.set(`dists/${suite}/main/binary-riscv64/Packages.gz`, gzipSync('Package: other\n'));
    for (const path of archive.files.keys())
      if (path.startsWith(`dists/${suite}/main/binary-riscv64/by-hash`)) archive.files.delete(path);
  };

  test('a bare name takes the next suite that verifies and says so in one line', async () => {
    breakIndex('trixie');
    const { manifest } = await open().pull('busybox');
    expect(manifest).toMatchObject({ suite: 'forky', passedOver: [{ suite: 'trixie' }] });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(
      /^Using Debian forky: trixie cannot be used \(The mirror's index of "trixie" does not match/,
    );
    expect(await codeOf(open({ strictMirror: true }).pull('debian'))).toBe('mirror-incomplete');
  });

  test('a suite that is named is the only one', async () => {
    breakIndex('trixie');
    expect(await codeOf(open().pull('busybox:trixie'))).toBe('mirror-incomplete');
    expect(await codeOf(open().pull('busybox:stable'))).toBe('mirror-incomplete');
    expect((await open().pull('busybox:sid')).manifest.suite).toBe('sid');
  });

  test('past Valid-Until: used with one line, refused when strict', async () => {
    archive.sign('sid', { validUntil: EPOCH + 100 });
    expect(await codeOf(open({ strictMirror: true }).pull('busybox:sid'))).toBe('release-expired');
    expect((await open().pull('busybox:sid')).manifest.expired).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(/valid until 2026-01-01/)]);
  });

  test('never an older release than one seen before', async () => {
    archive.sign('sid', { date: EPOCH + 200 });
    await open().pull('busybox:sid');
    await open().remove('busybox:sid');
    archive.sign('sid', { date: EPOCH + 100, validUntil: EPOCH + 150 });
    expect(await codeOf(open().pull('busybox:sid'))).toBe('release-older');
  });

  test.each([
    ['signed by a stranger', () => archive.sign('sid', { key: archive.stranger }), 'bad-signature'],
    [
      'changed after signing',
      () =>
        archive.files.set(
          'dists/sid/InRelease',
          Buffer.from(archive.files.get('dists/sid/InRelease')!.toString().replace('Suite: sid', 'Suite: six')),
        ),
      'bad-signature',
    ],
    ['of another suite', () => archive.sign('sid', { codename: 'forky' }), 'bad-signature'],
    ['of another distribution', () => archive.sign('sid', { origin: 'Ubuntu' }), 'mirror-incomplete'],
    ['no release', () => archive.files.set('dists/sid/InRelease', Buffer.from('<html>')), 'mirror-incomplete'],
    ['not there', () => archive.files.delete('dists/sid/InRelease'), 'mirror-incomplete'],
  ])('a release %s is not used', async (_, change, code) => {
    change();
    expect(await codeOf(open().pull('busybox:sid'))).toBe(code);
    expect(imagesLeft()).toEqual([]);
  });

  test('keys that are not pinned do not count', async () => {
    expect(await codeOf(open({ testing: { pins: new Set(['AA']) } }).pull('busybox:sid'))).toBe('bad-signature');
  });
});

describe('downloads', () => {
  const KERNEL = 'pool/main/x/linux-image-6.1-riscv64/linux-image-6.1-riscv64_1.0+sid_riscv64.deb';

  test.each([
    ['swapped', (deb: Buffer) => Buffer.from(deb).fill(0x20, 100), 'bad-hash'],
    ['longer', (deb: Buffer) => Buffer.concat([deb, Buffer.alloc(10)]), 'bad-hash'],
    ['truncated', (deb: Buffer) => deb.subarray(0, 200), 'mirror-incomplete'],
  ])('a %s package is refused, and a good one taken later', async (_, change, code) => {
    const good = archive.files.get(KERNEL)!;
    archive.files.set(KERNEL, change(good));
    expect(await codeOf(open().pull('busybox:sid'))).toBe(code);
    expect(imagesLeft()).toEqual([]);
    archive.files.set(KERNEL, good);
    await open().pull('busybox:sid');
  });

  test('a suite without a kernel', async () => {
    const text =
      'Package: busybox-static\nVersion: 1\nArchitecture: riscv64\nFilename: pool/x/b.deb\nSize: 1\nSHA256: ' +
      'a'.repeat(64);
    await open().pull('busybox:forky');
    archive.files.set('dists/sid/main/binary-riscv64/Packages.gz', gzipSync(text));
    archive.sign('sid');
    expect(await codeOf(open().pull('busybox:sid'))).toBe('missing-kernel');
  });

  test('an abort in the middle keeps what came, and the next pull goes on from there', async () => {
    const abort = new AbortController();
    const deb = archive.files.get(KERNEL)!;
    archive.intercept = (path, _, response) => {
      if (path !== KERNEL) return false;
      response.writeHead(200, { 'content-length': deb.length });
      response.write(deb.subarray(0, 150));
      setTimeout(() => abort.abort(), 100);
      return true;
    };
    const error = await open({ signal: abort.signal })
      .pull('busybox:sid')
      .catch((reason) => reason);
    expect(error).toMatchObject({ code: 'aborted', hint: expect.stringMatching(/goes on/) });
    expect(imagesLeft()).toEqual([]);
    archive.intercept = undefined;
    await open().pull('busybox:sid');
    expect(archive.requests.at(-1)?.range ?? archive.requests.find(({ range }) => range !== undefined)?.range).toBe(
      'bytes=150-',
    );
  });

  test('a broken connection is taken up again', async () => {
    const deb = archive.files.get(KERNEL)!;
    let broken = 0;
    archive.intercept = (path, request, response) => {
      if (path !== KERNEL || request.headers.range !== undefined || broken++ > 0) return false;
      response.writeHead(200, { 'content-length': deb.length });
      response.write(deb.subarray(0, 99), () => response.destroy());
      return true;
    };
    await open().pull('busybox:sid');
    expect(archive.requests.some(({ range }) => range === 'bytes=99-')).toBe(true);
  });

  test('redirects are followed, but not in circles', async () => {
    archive.intercept = (path, request, response) => {
      if (!path.startsWith('pool/') || request.url?.includes('?again') === true) return false;
      response.writeHead(302, { location: `${request.url}?again` }).end();
      return true;
    };
    await open().pull('busybox:sid');
    archive.intercept = (_, request, response) => {
      response.writeHead(302, { location: request.url }).end();
      return true;
    };
    expect(await codeOf(open().pull('busybox:forky'))).toBe('mirror-unreachable');
  });

  test('nobody listens', async () => {
    await archive.close();
    const error = await open()
      .pull('busybox')
      .catch((reason) => reason);
    expect(error).toMatchObject({
      code: 'mirror-unreachable',
      message: expect.stringMatching(/^Cannot download from 127\.0\.0\.1:\d+ \(ECONNREFUSED\)$/),
    });
  });

  test("the host's apt sources and proxy are used", async () => {
    const proxy = archive.url.replace(/\/debian$/, '');
    mkdirSync(join(directory, 'apt', 'sources.list.d'), { recursive: true });
    mkdirSync(join(directory, 'apt', 'apt.conf.d'));
    writeFileSync(
      join(directory, 'apt', 'sources.list.d', 'debian.sources'),
      'Types: deb\nURIs: http://debian.invalid/debian\nSuites: bookworm\nComponents: main\n',
    );
    writeFileSync(join(directory, 'apt', 'apt.conf.d', '50proxy'), `Acquire::http::Proxy "${proxy}";\n`);
    expect((await open({ mirror: undefined }).pull('busybox')).manifest.suite).toBe('trixie');
  });
});

describe('bad input', () => {
  test.each([
    ['ubuntu', 'unknown-image'],
    ['debian:potato', 'unknown-image'],
    ['../x', 'bad-name'],
    ['UPPER', 'bad-name'],
    ['', 'bad-name'],
  ])('pull "%s"', async (name, code) => {
    expect(await codeOf(open().pull(name))).toBe(code);
  });

  test.each(['ftp://x/debian', 'nonsense', 'http://x/?q'])('mirror "%s"', async (mirror) => {
    expect(await codeOf(open({ mirror }).pull('busybox'))).toBe('bad-mirror');
  });

  test('a cache directory that cannot be written', async () => {
    writeFileSync(join(directory, 'file'), '');
    const error = await open({ cacheDirectory: join(directory, 'file', 'cache') })
      .pull('busybox')
      .catch((reason) => reason);
    expect(error).toMatchObject({ code: 'cache-unwritable', hint: expect.stringMatching(/CLOISTER_CACHE_DIR/) });
  });

  test('a damaged image, and one from the future', async () => {
    const image = await open().pull('busybox');
    const manifest = join(directory, 'cache', 'images', 'busybox', 'manifest.json');
    writeFileSync(image.kernel, 'short');
    expect(await codeOf(open().pull('busybox'))).toBe('damaged-image');
    writeFileSync(manifest, '{');
    expect(await codeOf(open().pull('busybox'))).toBe('damaged-image');
    writeFileSync(manifest, '{"schema":3}');
    expect(await codeOf(open().pull('busybox'))).toBe('newer-image');
    await open().remove('busybox');
    await open().pull('busybox');
  });

  test('a build whose machine does not start leaves nothing behind', async () => {
    expect(await codeOf(open().pull('debian'))).toBe('build-failed');
    expect(imagesLeft()).toEqual([]);
  });

  test('builds that cannot be', async () => {
    expect(await codeOf(open().build('debian', { packages: ['gcc'] }))).toBe('not-built-in');
    expect(await codeOf(open().build('mine', { packages: [] }))).toBe('missing-package');
    expect(await codeOf(open().build('mine', { from: 'busybox', packages: ['gcc'] }))).toBe('no-apt');
    expect(await codeOf(open().build('mine', { from: 'nosuch', packages: ['gcc'] }))).toBe('unknown-image');
  });
});
