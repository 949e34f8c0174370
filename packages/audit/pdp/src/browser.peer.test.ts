import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'cloister-browser-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const DEADLINE = 60_000;

test('the schemes without an RSA group work in a browser', { timeout: DEADLINE }, async () => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('testing/browser-page.ts', import.meta.url))],
    ...{ bundle: true, format: 'esm', platform: 'browser', target: 'es2023', write: false, logLevel: 'error' },
    conditions: ['source'],
    external: ['node:*', 'crypto', 'fs', 'path'],
  });
  const file = join(folder, 'page.html');
  const script = outputFiles[0]!.text.replaceAll('</script', '<\\/script');
  writeFileSync(file, `<!doctype html><title>no</title><script type="module">${script}</script>`);
  const options = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${folder}/profile`];
  const page = execFileSync('chromium', [...options, '--virtual-time-budget=20000', '--dump-dom', `file://${file}`], {
    encoding: 'utf8',
    timeout: DEADLINE,
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // Intact first, then with one changed bit.
  const names = ['mac-pdp', 'gmac-cpor', 'cpor-private', 'cpor-public', 'sha256-merkle'];
  expect(/<title>([^<]*)</.exec(page)?.[1]?.split('; ')).toEqual(names.map((name) => `${name} true false`));
});
