import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  generateKeys,
  makeChallenge,
  proveFile,
  type Selection,
  STEP_FILES,
  schemeFacts,
  tagFile,
  verifyProof,
} from './index.ts';

const BLOCK = 64;
const folder = mkdtempSync(join(tmpdir(), 'cloister-steps-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const KEYS = { blockBytes: BLOCK, modulusBits: 512, insecure: true } as const;
const noise = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 167 + 13) & 255);

for (const { name, verification, data: kind, selections } of schemeFacts())
  describe(name, () => {
    const prefix = at(name);
    const keys = { secret: `${prefix}.secret`, public: `${prefix}.public` };
    const other = { secret: `${prefix}-other.secret`, public: `${prefix}-other.public` };
    const key = (pair = keys): string => (verification === 'public' ? pair.public : pair.secret);
    let token = 0;
    const everything = (length: number): Selection => {
      const count = Math.max(1, Math.ceil(length / BLOCK));
      if (!selections.includes('range')) return { kind: 'token', token: token++ };
      return { kind: 'range', first: 0, count };
    };

    beforeAll(async () => {
      await generateKeys(name, prefix, KEYS);
      await generateKeys(name, `${prefix}-other`, KEYS);
    });

    async function tagged(length: number): Promise<string> {
      const file = at(`${name}-${length}`);
      writeFileSync(file, noise(length));
      await tagFile({ secretKey: keys.secret, publicKey: keys.public, file, blockBytes: BLOCK });
      return file;
    }
    const stored = (file: string): string => (name === 'mr-pdp' ? `${file}${STEP_FILES.replica}` : file);
    async function proved(file: string, selection: Selection): Promise<string> {
      await makeChallenge(key(), `${file}.tau`, selection, file);
      const place = { data: stored(file), tags: `${file}.tags`, fileTag: `${file}.tau`, nodes: `${file}.nodes` };
      await proveFile(keys.public, place, `${file}.challenge`, `${file}.proof`);
      return `${file}.proof`;
    }
    const verdict = (file: string, by = key()) =>
      verifyProof(by, `${file}.tau`, `${file}.asked`, `${file}.proof`).catch((error: { code: string }) => error.code);

    test.each([0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 7])('a file of %i bytes, end to end', async (length) => {
      const file = await tagged(length);
      await proved(file, everything(length));
      expect(await verdict(file)).toEqual({ accepted: true });
      if (selections.includes('sample')) {
        await proved(file, { kind: 'sample', count: 460 });
        expect(await verdict(file)).toEqual({ accepted: true });
      }
      expect(await verdict(file, key(other))).toMatchObject({ accepted: false });
      const proof = readFileSync(`${file}.proof`);
      for (const bad of [new Uint8Array(0), proof.subarray(1), Buffer.concat([proof, Buffer.of(0)])]) {
        writeFileSync(`${file}.proof`, bad);
        expect(await verdict(file)).toMatchObject({ accepted: false });
      }
    });

    test('a changed byte, a file that was cut, tags that were cut', async () => {
      const length = 5 * BLOCK + 7;
      const file = await tagged(length);
      const [data, tags] = [readFileSync(stored(file)), readFileSync(`${file}.tags`)];
      const changed = Buffer.from(data);
      changed[BLOCK + 3]! ^= 1;
      const cases = [
        [changed, tags],
        [data.subarray(0, 4 * BLOCK), tags],
        ...(kind === 'static' && selections.includes('range') ? [[data, tags.subarray(0, tags.length - 9)]] : []),
      ] as const;
      for (const [content, theirs] of cases) {
        writeFileSync(stored(file), content!);
        writeFileSync(`${file}.tags`, theirs!);
        const outcome = await proved(file, everything(length)).then(
          () => verdict(file),
          (error: { code?: string }) => error.code ?? error,
        );
        // No proof at all, with a line that says why, is right too.
        if (typeof outcome === 'object') expect(outcome).toMatchObject({ accepted: false });
        else expect(['bad-file', 'bad-challenge']).toContain(outcome);
      }
      writeFileSync(stored(file), data);
      writeFileSync(`${file}.tags`, tags);
      await proved(file, everything(length));
      expect(await verdict(file)).toEqual({ accepted: true });
    });
  });

test('the secret key is its owner’s alone, and no key is replaced', async () => {
  const { secret } = await generateKeys('mac-pdp', at('kept'), {});
  expect(statSync(secret).mode & 0o777).toBe(0o600);
  await expect(generateKeys('mac-pdp', at('kept'), {})).rejects.toMatchObject({ code: 'bad-file' });
});

test('what is no key, no scheme, no challenge and no file says so', async () => {
  await expect(generateKeys('none', at('none'), {})).rejects.toMatchObject({ code: 'bad-parameter' });
  await generateKeys('gmac-cpor', at('g'), {});
  await generateKeys('mac-pdp', at('m'), {});
  writeFileSync(at('file'), noise(100));
  const wish = { secretKey: at('g.secret'), file: at('file'), blockBytes: BLOCK };
  await tagFile(wish);
  await expect(tagFile({ ...wish, secretKey: at('g.public') })).rejects.toMatchObject({ code: 'bad-key' });
  await expect(tagFile({ ...wish, secretKey: at('file') })).rejects.toMatchObject({ code: 'bad-key' });
  await expect(tagFile({ ...wish, blockBytes: 3 })).rejects.toMatchObject({ code: 'bad-parameter' });
  await expect(tagFile({ ...wish, file: folder })).rejects.toMatchObject({ code: 'bad-file' });
  const sample = { kind: 'sample', count: 3 } as const;
  const ask = (key: string, selection: Selection = sample) => makeChallenge(key, at('file.tau'), selection, at('file'));
  await expect(ask(at('m.secret'))).rejects.toMatchObject({ code: 'bad-file-tag' });
  await expect(ask(at('g.secret'), { kind: 'range', first: 0, count: 3 })).rejects.toMatchObject({
    code: 'bad-selection',
  });
  await ask(at('g.secret'));
  const place = { data: at('file'), tags: at('file.tags'), fileTag: at('file.tau') };
  await expect(proveFile(at('g.public'), place, at('file.asked'), at('p'))).rejects.toMatchObject({
    code: 'bad-challenge',
  });
  await expect(verifyProof(at('g.secret'), at('file.tau'), at('file.challenge'), at('file'))).rejects.toMatchObject({
    code: 'bad-challenge',
  });
});
