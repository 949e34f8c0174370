import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { aptProxy, aptUris } from './apt-configuration.ts';
import { mirrorCandidates, PUBLIC_MIRROR } from './mirror.ts';

describe('sources.list(5)', () => {
  test('one-line form', () => {
    const text = `# deb http://old/debian x main
deb http://a/debian trixie main
deb [arch=riscv64 signed-by=/x.gpg] https://b/debian/ trixie main contrib # why
deb-src http://c/debian trixie main
`;
    expect(aptUris([{ name: 'sources.list', text }])).toEqual(['http://a/debian', 'https://b/debian/']);
  });

  test('deb822 form', () => {
    const text = `Types: deb deb-src
# a comment
URIs: http://a/debian
 http://b/debian
Suites: trixie

Types: deb
Enabled: no
URIs: http://c/debian

Types: deb-src
URIs: http://d/debian
`;
    expect(aptUris([{ name: 'debian.sources', text }])).toEqual(['http://a/debian', 'http://b/debian']);
    expect(aptUris([{ name: 'bad.sources', text: 'nonsense\n' }])).toEqual([]);
  });
});

describe('apt.conf(5): proxies', () => {
  test.each([
    ['Acquire::http::Proxy "http://p:3128/";', 'http://a/debian', 'http://p:3128/'],
    ['Acquire { http { Proxy "http://p:1"; }; };', 'http://a/debian', 'http://p:1'],
    [
      'acquire::HTTP::proxy "http://p:1"; // "x"\n/* Acquire::http::Proxy "http://q"; */',
      'http://a/debian',
      'http://p:1',
    ],
    ['Acquire::http::Proxy "http://p:1"; Acquire::http::Proxy::a "DIRECT";', 'http://a/debian', undefined],
    ['Acquire::https::Proxy "http://p:2";', 'https://a/debian', 'http://p:2'],
    ['Acquire::http::Proxy "http://p:1";', 'https://a/debian', 'http://p:1'],
    ['# Acquire::http::Proxy "http://p:1";', 'http://a/debian', undefined],
    ['APT::NeverAutoRemove { "^x$"; };', 'http://a/debian', undefined],
  ])('%s', (text, url, proxy) => {
    expect(aptProxy(text, url)).toBe(proxy);
  });
});

describe('candidates', () => {
  let aptDirectory: string;
  beforeEach(() => {
    aptDirectory = mkdtempSync(join(tmpdir(), 'apt-'));
    mkdirSync(join(aptDirectory, 'sources.list.d'));
    writeFileSync(join(aptDirectory, 'sources.list'), 'deb cdrom:[x]/ trixie main\ndeb http://a/debian/ trixie main\n');
    writeFileSync(join(aptDirectory, 'sources.list.d', 'x.list'), 'deb http://a/debian trixie-updates main\n');
  });
  afterEach(() => rmSync(aptDirectory, { recursive: true, force: true }));
  const urls = async (options: Parameters<typeof mirrorCandidates>[0]) =>
    (await mirrorCandidates({ aptDirectory, env: {}, ...options })).map(({ url }) => url);

  test("apt's, each once, then the public one", async () => {
    expect(await urls({})).toEqual(['http://a/debian', PUBLIC_MIRROR]);
  });

  test('flag over environment over configuration', async () => {
    expect(await urls({ mirror: 'http://m/debian/', env: { CLOISTER_MIRROR: 'http://e' } })).toEqual([
      'http://m/debian',
    ]);
    expect(await urls({ env: { CLOISTER_MIRROR: 'http://e' } })).toEqual(['http://e']);
  });

  test('proxies of the environment', async () => {
    const env = { http_proxy: 'http://p:1', no_proxy: 'other, .a' };
    expect(await mirrorCandidates({ aptDirectory, env, mirror: 'http://b/debian' })).toEqual([
      { url: 'http://b/debian', proxy: 'http://p:1' },
    ]);
    expect(await mirrorCandidates({ aptDirectory, env, mirror: 'http://a/debian' })).toEqual([
      { url: 'http://a/debian', proxy: undefined },
    ]);
  });
});
