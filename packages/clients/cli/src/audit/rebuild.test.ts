import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { compareMeasurements, differenceIn, measuredLine, rebuild } from './rebuild.ts';

const DEADLINE = 120_000;
const root = fileURLToPath(new URL('../../../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'cloister-rebuilt-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [tree, dist] = [join(folder, 'tree'), join(folder, 'dist')];

/** A source tree elsewhere: all that bundles are made of, copied; esbuild, which is in none of them, is linked. */
beforeAll(() => {
  const isSource = (path: string): boolean => !/\/(node_modules|dist)(\/|$)/.test(path.slice(root.length - 1));
  for (const part of ['packages', 'tools', 'attacks', 'bench'])
    cpSync(join(root, part), join(tree, part), { recursive: true, filter: isSource });
  for (const file of ['package.json', 'tsconfig.base.json']) cpSync(join(root, file), join(tree, file));
  const bundled = new Set<string>();
  for (const file of readdirSync(join(root, 'dist')))
    if (/\.cjs$/.test(file))
      for (const [, name] of readFileSync(join(root, 'dist', file), 'utf8').matchAll(
        /^\/\/ node_modules\/((?:@[^/\n]+\/)?[^/\n]+)\//gm,
      ))
        bundled.add(name!);
  for (const name of [...bundled, '@cloister'])
    cpSync(join(root, 'node_modules', name), join(tree, 'node_modules', name), {
      ...{ recursive: true, verbatimSymlinks: true },
    });
  for (const name of ['esbuild', '@esbuild'])
    symlinkSync(join(root, 'node_modules', name), join(tree, 'node_modules', name));
}, DEADLINE);

/** What was built is built anew for each test: as `npm run build` left it. */
beforeEach(() => {
  rmSync(dist, { recursive: true, force: true });
  const { files } = JSON.parse(readFileSync(join(root, 'dist/manifest.json'), 'utf8')) as { files: object };
  for (const name of ['manifest.json', ...Object.keys(files)]) {
    mkdirSync(dirname(join(dist, name)), { recursive: true });
    cpSync(join(root, 'dist', name), join(dist, name));
  }
});

const flip = (path: string, at: number): void => {
  const bytes = readFileSync(path);
  bytes[at]! ^= 1;
  writeFileSync(path, bytes);
};

test('the sources, wherever they lie, make each byte of what was built', { timeout: DEADLINE }, async () => {
  const rebuilt = await rebuild(tree, dist);
  expect(rebuilt).toMatchObject({ ok: true });
  if (!rebuilt.ok) return;
  const { files } = JSON.parse(readFileSync(join(dist, 'manifest.json'), 'utf8')) as { files: object };
  expect(Object.fromEntries(rebuilt.files)).toEqual(files);
  // The two parts of a measurement that sources make.
  const bytes = (name: string): Uint8Array => Buffer.from(rebuilt.files.get(name)!, 'hex');
  const here = {
    ...{ bundle: bytes('enclave.cjs'), filter: bytes('filters/enclave.x64.bpf'), node: bytes('hart.cjs') },
    ...{ libraries: bytes('hart.cjs'), command: '[]', level: 'full' },
  };
  const line = (...measurements: readonly (typeof here)[]): string =>
    measuredLine(compareMeasurements(measurements, rebuilt.files, here));
  expect(line(here)).toBe('bundle and filter are what these sources make; all else is as on this machine');
  const slice = { bundle: bytes('slice.cjs'), filter: bytes('filters/storage.x64.bpf') };
  expect(line(here, { ...here, ...slice, node: slice.bundle })).toBe(
    'not what these sources make: bundle, filter; other than on this machine: node',
  );
});

test('one changed byte of a bundle, of a filter or of the manifest is named', () => {
  const difference = (): string | undefined => differenceIn(join(root, 'dist'), dist);
  expect(difference()).toBeUndefined();
  const [enclave, filter] = [join(dist, 'enclave.cjs'), join(dist, 'filters/enclave.x64.bpf')];
  const at = readFileSync(enclave).indexOf('A batch of one receipt');
  flip(enclave, at);
  const line = readFileSync(enclave).subarray(0, at).toString('latin1').split('\n').length;
  const place = `at byte ${at} (line ${line}, in packages/audit/enclave/src/batch.ts)`;
  expect(difference()).toBe(`"${enclave}" differs from what the sources make ${place}`);
  flip(enclave, at);
  flip(filter, 9);
  expect(difference()).toBe(`"${filter}" differs from what the sources make at byte 9`);
  flip(filter, 9);
  const manifest = join(dist, 'manifest.json');
  const text = readFileSync(manifest, 'utf8');
  writeFileSync(manifest, text.replace(/("enclave.cjs": ")[0-9a-f]/, '$1x'));
  expect(difference()).toBe(`"${manifest}" has another hash for "enclave.cjs"`);
  writeFileSync(manifest, text.replace('"files": {', '"files": { "more.cjs": "00",'));
  expect(difference()).toBe(`"${manifest}" names "more.cjs", which the sources do not make`);
  rmSync(join(dist, 'slice.cjs'));
  expect(difference()).toBe(`"${join(dist, 'slice.cjs')}" is not there`);
});

test('one changed byte of a source is named, by its module', { timeout: DEADLINE }, async () => {
  const source = join(tree, 'packages/audit/enclave/src/batch.ts');
  const text = readFileSync(source, 'utf8');
  writeFileSync(source, text.replace('A batch of one receipt', 'B batch of one receipt'));
  expect(await rebuild(tree, dist)).toMatchObject({
    ok: false,
    difference: expect.stringMatching(/enclave\.cjs" differs .*in packages\/audit\/enclave\/src\/batch\.ts\)$/),
  });
  writeFileSync(source, `${text}\nthis is no TypeScript`);
  await expect(rebuild(tree, dist)).rejects.toMatchObject({
    code: 'bad-file',
    message: expect.stringMatching(/does not build/),
  });
  writeFileSync(source, text);
});
