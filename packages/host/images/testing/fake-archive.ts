// A small Debian archive on loopback, signed by keys of its own, that can be made to go wrong.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import {
  certificate,
  clearSign,
  EPOCH,
  type TestKey,
  testKey,
} from '../../../deprivileged/builder/testing/openpgp-writer.ts';
import { debOf } from '../../../deprivileged/builder/testing/package-writer.ts';

export interface FakeArchive {
  readonly url: string;
  readonly pins: ReadonlySet<string>;
  /** Paths that were asked for, with the Range header where there was one. */
  readonly requests: { readonly path: string; readonly range: string | undefined }[];
  /** Path to content; change it to break things. */
  readonly files: Map<string, Buffer>;
  /** Called for each request before it is answered; true: it has answered itself. */
  intercept: ((path: string, request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** Signs a suite's release anew over the index that is there. */
  sign(suite: string, options?: ReleaseOptions): void;
  readonly stranger: TestKey;
  close(): Promise<void>;
}

export interface ReleaseOptions {
  readonly key?: TestKey;
  readonly origin?: string;
  readonly codename?: string;
  /** Seconds since 1970. */
  readonly date?: number;
  readonly validUntil?: number;
}

/** Milliseconds since 1970: a day after the archive was made. */
export const NOW = (EPOCH + 86_400) * 1000;

const primary = testKey('rsa');
const subkey = testKey('ed25519');
const stranger = testKey('ed25519');
const INDEX = 'main/binary-riscv64/Packages.gz';

/** A kernel that is one as far as anything here can tell. */
export function fakeKernel(): Buffer {
  const image = Buffer.alloc(64 * 1024, 0x13);
  image.writeBigUInt64LE(BigInt(image.length), 16);
  image.write('RSC\u0005', 0x38, 'latin1');
  return image;
}

/** Starts an archive with the suites trixie, forky and sid, each with a kernel, busybox and the keyring. */
export async function fakeArchive(): Promise<FakeArchive> {
  const files = new Map<string, Buffer>();
  const requests: FakeArchive['requests'] = [];
  const server = createServer((request, response) => {
    // Through a proxy the whole URL stands in the request line.
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname).replace(/^\/debian\//, '');
    requests.push({ path, range: request.headers.range });
    if (archive.intercept?.(path, request, response) === true) return;
    const content = files.get(path);
    if (content === undefined) {
      response.writeHead(404).end();
      return;
    }
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (from >= content.length && from > 0) response.writeHead(416).end();
    else if (from > 0) {
      response.writeHead(206, {
        'content-range': `bytes ${from}-${content.length - 1}/${content.length}`,
        'content-length': content.length - from,
      });
      response.end(content.subarray(from));
    } else response.writeHead(200, { 'content-length': content.length }).end(content);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const archive: FakeArchive = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/debian`,
    pins: new Set([primary.fingerprint]),
    requests,
    files,
    intercept: undefined,
    stranger,
    sign(suite, options = {}) {
      const index = files.get(`dists/${suite}/${INDEX}`)!;
      const date = (seconds: number) => new Date(seconds * 1000).toUTCString().replace('GMT', 'UTC');
      const text = [
        `Origin: ${options.origin ?? 'Debian'}`,
        `Suite: ${suite}`,
        `Codename: ${options.codename ?? suite}`,
        `Date: ${date(options.date ?? EPOCH)}`,
        ...(options.validUntil === undefined ? [] : [`Valid-Until: ${date(options.validUntil)}`]),
        'Acquire-By-Hash: yes',
        'SHA256:',
        ` ${sha256(index)} ${index.length} ${INDEX}`,
        '',
      ].join('\n');
      files.set(`dists/${suite}/InRelease`, Buffer.from(clearSign(text, [options.key ?? subkey])));
      files.set(`dists/${suite}/main/binary-riscv64/by-hash/SHA256/${sha256(index)}`, index);
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
  for (const suite of ['trixie', 'forky', 'sid']) addSuite(archive, suite);
  return archive;
}

function addSuite(archive: FakeArchive, suite: string): void {
  const keyring = certificate(primary, { subkey });
  const packages: Record<
    string,
    { depends?: string; essential?: boolean; files: Record<string, string | Uint8Array> }
  > = {
    'debian-archive-keyring': { files: { 'usr/share/keyrings/debian-archive-keyring.pgp': keyring } },
    'linux-image-riscv64': { depends: 'linux-image-6.1-riscv64 (= 1.0)', files: {} },
    'linux-image-6.1-riscv64': { files: { 'boot/vmlinux-6.1-riscv64': fakeKernel() } },
    'busybox-static': { files: { 'usr/bin/busybox': `busybox of ${suite}` } },
    apt: { files: { 'usr/bin/apt': 'apt' } },
    ...Object.fromEntries(
      [
        'dpkg',
        'tar',
        'dash',
        'coreutils',
        'sed',
        'grep',
        'findutils',
        'diffutils',
        'debianutils',
        'libc-bin',
        'base-files',
      ].map((name) => [name, { essential: true, files: {} }]),
    ),
    e2fsprogs: { files: {} },
  };
  const stanzas = Object.entries(packages).map(([name, { depends, essential, files }]) => {
    const deb = debOf(`Package: ${name}\n`, files);
    const filename = `pool/main/x/${name}/${name}_1.0+${suite}_riscv64.deb`;
    archive.files.set(filename, deb);
    return `Package: ${name}\nVersion: 1.0\nArchitecture: riscv64\n${depends === undefined ? '' : `Depends: ${depends}\n`}${essential === true ? 'Essential: yes\n' : ''}Filename: ${filename}\nSize: ${deb.length}\nSHA256: ${sha256(deb)}\n`;
  });
  archive.files.set(`dists/${suite}/${INDEX}`, gzipSync(stanzas.join('\n')));
  archive.sign(suite);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
