import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { start } from './testing/command.ts';

const cache = mkdtempSync(join(tmpdir(), 'cloister-interrupt-'));
afterAll(() => rmSync(cache, { recursive: true, force: true }));

test('Ctrl-C in the middle of a download ends with one line and 125, and leaves nothing as good', async () => {
  let asked: () => void = () => undefined;
  const request = new Promise<void>((resolve) => {
    asked = resolve;
  });
  // A mirror that begins an answer and never ends it.
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': '1000000' });
    response.write('-----BEGIN PGP SIGNED MESSAGE-----\n');
    asked();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}/debian`;
    const command = start(['image', 'pull', 'busybox', '--mirror', mirror], { CLOISTER_CACHE_DIR: cache }, 20_000);
    await request;
    command.process.kill('SIGINT');
    const { status, stdout, stderr } = await command.finished;
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
    expect(stderr).toMatch(/^cloister: Interrupted\. [^\n]+\n$/);
    const images = join(cache, 'images');
    expect(existsSync(images) ? readdirSync(images).filter((name) => !name.endsWith('.lock')) : []).toEqual([]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}, 30_000);
