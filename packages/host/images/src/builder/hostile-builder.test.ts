import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { LoneCompartment, StartLone } from '@cloister/launcher';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { debOf } from '../../../../deprivileged/builder/testing/package-writer.ts';
import { bundleForTest } from '../../../launcher/src/testing/bundle-for-test.ts';
import { starterWith } from '../../testing/start-with-code.ts';
import { collect } from '../collect.ts';
import { type Builder, builderOver } from './builder.ts';
import { openSession } from './session.ts';

const MIB = 2 ** 20;
/** Of a builder: little, so that tests are quick. */
const MEMORY = 128 * MIB;
const DEADLINE = 30_000;
const folder = mkdtempSync(join(tmpdir(), 'hostile-builder-'));
const file = join(folder, 'input');
writeFileSync(file, 'input');

/** Has a fresh builder do something; resolves to what was thrown once its process is gone. */
async function outcome(
  start: StartLone,
  work: (builder: Builder, running: LoneCompartment) => Promise<unknown>,
  silenceMs = 20_000,
) {
  const running = await start();
  const builder = builderOver(openSession(running, { what: 'the input', signal: undefined, silenceMs }));
  const thrown: unknown = await work(builder, running).catch((error: unknown) => error);
  builder.end();
  await running.ended;
  return thrown;
}

const damaged = (how: RegExp) => ({
  name: 'ImageError',
  code: 'damaged-download',
  message: expect.stringMatching(new RegExp(`^The builder failed over the input \\(${how.source}\\)$`)),
});

async function readAll(builder: Builder): Promise<void> {
  for await (const { content } of builder.entries(file, /./, MIB)) for await (const _ of content);
}

describe('a builder that an attacker controls ends with one line, and with nothing else', () => {
  let hostile: Awaited<ReturnType<typeof starterWith>>;
  const program = bundleForTest(new URL('../../testing/hostile-builder.ts', import.meta.url));
  beforeAll(async () => {
    hostile = await starterWith(MEMORY, program.path);
  });
  afterAll(() => {
    hostile.remove();
    program.remove();
  });

  const select = (builder: Builder) => builder.select('required');
  const PROTOCOL = /it broke the protocol/;
  const NO_ANSWER = /it did not answer/;
  test.each<[deed: string, how: RegExp, work: (builder: Builder) => Promise<unknown>]>([
    ['hang', NO_ANSWER, select],
    ['silence', NO_ANSWER, select],
    ['crash', /it ended with status 3/, select],
    ['eat', /it (ended with status|got SIG).*/, select],
    ['garbage', PROTOCOL, select],
    ['a channel closed', /it (ended with status|got SIG).*/, select],
    ['another kind of answer', PROTOCOL, select],
    ['a file name that climbs', PROTOCOL, select],
    ['a name for a shell', PROTOCOL, select],
    ['packages without end', PROTOCOL, select],
    ['output without end', PROTOCOL, (builder) => builder.list([])],
    ['entries without end', PROTOCOL, readAll],
    ['an entry with more than its size', PROTOCOL, readAll],
    ['an entry with less than its size', PROTOCOL, readAll],
    ['an entry larger than may be', PROTOCOL, readAll],
    ['a directory with contents', PROTOCOL, readAll],
    ['a package larger than may be', PROTOCOL, (builder) => builder.repack(file, MIB)],
  ])(
    '%s',
    async (deed, how, work) => {
      const thrown = await outcome(
        hostile.start,
        async (builder) => {
          await builder.index(file, deed);
          await work(builder);
        },
        how === NO_ANSWER ? 1000 : undefined,
      );
      expect(thrown).toMatchObject(damaged(how));
    },
    DEADLINE,
  );

  test('what it says is safe for a terminal', { timeout: DEADLINE }, async () => {
    const thrown = await outcome(hostile.start, async (builder) => {
      await builder.index(file, 'a refusal for the terminal');
      await select(builder);
    });
    expect(thrown).toMatchObject({ name: 'Refusal', code: 'malformed', message: '?]0;owned???' });
  });
});

describe('the builder, in its process', () => {
  let honest: Awaited<ReturnType<typeof starterWith>>;
  beforeAll(async () => {
    honest = await starterWith(MEMORY);
  });
  afterAll(() => {
    honest.remove();
    rmSync(folder, { recursive: true, force: true });
  });
  const written = (bytes: Uint8Array): string => {
    const path = join(folder, `bytes-${bytes.length}`);
    writeFileSync(path, bytes);
    return path;
  };
  const HOST = () => {
    throw new Error('more than was asked for');
  };

  const LARGE = debOf('Package: a\n', { zeros: new Uint8Array(MEMORY), last: 'last' });

  test('reads a package of more than its memory, in any part, and after a damaged one', {
    timeout: DEADLINE,
  }, async () => {
    const deb = written(LARGE);
    const small = written(debOf('Package: a\n', { first: 'first', last: 'last' }));
    const thrown = await outcome(honest.start, async (builder) => {
      await expect(builder.entries(file, /./, MIB).next()).rejects.toMatchObject({
        name: 'Refusal',
        code: 'truncated',
      });
      const sizes: number[] = [];
      for await (const { content } of builder.entries(deb, /./, 2 * MEMORY)) {
        let size = 0;
        for await (const chunk of content) size += chunk.length;
        sizes.push(size);
      }
      expect(sizes).toEqual([MEMORY, 4]);
      const names: string[] = [];
      for await (const { header } of builder.entries(small, /./, MIB)) names.push(header.name);
      expect(names).toEqual(['first', 'last']);
      for await (const { header, content } of builder.entries(small, /^last$/, MIB))
        expect([header.name, Buffer.from(await collect(content, 4, HOST)).toString()]).toEqual(['last', 'last']);
    });
    expect(thrown).toBeUndefined();
  });

  test('a package that unpacks to more than it may is refused', { timeout: DEADLINE }, async () => {
    const bomb = written(debOf('Package: a\n', { zeros: new Uint8Array(20 * MIB) }));
    const tooLarge = { name: 'Refusal', code: 'too-large' };
    expect(
      await outcome(honest.start, async (builder) => {
        for await (const { content } of builder.entries(bomb, /./, MIB)) for await (const _ of content);
      }),
    ).toMatchObject(tooLarge);
    expect(await outcome(honest.start, (builder) => builder.repack(bomb, MIB))).toMatchObject(tooLarge);
  });

  test('an index that is larger than its memory ends it with one line', { timeout: DEADLINE }, async () => {
    const paragraph = (i: number): string =>
      `Package: p${i}\nVersion: 1\nArchitecture: all\nFilename: pool/main/p/p${i}.deb\nSize: 1\nSHA256: ${'a'.repeat(64)}\n` +
      `Depends: ${`d${i} `.repeat(100)}\n\n`;
    const index = gzipSync(Array.from({ length: 60_000 }, (_, i) => paragraph(i)).join(''), { level: 1 });
    const thrown = await outcome(honest.start, (builder) => builder.index(written(index), 'Packages.gz'));
    expect(thrown).toMatchObject(damaged(/it (ended with status|got SIG).*/));
  });

  test('one that is killed ends with one line', { timeout: DEADLINE }, async () => {
    const deb = written(LARGE);
    const thrown = await outcome(honest.start, async (builder, running) => {
      for await (const { content } of builder.entries(deb, /./, 2 * MEMORY)) {
        running.end();
        for await (const _ of content);
      }
    });
    expect(thrown).toMatchObject(damaged(/it (ended with status|got SIG).*/));
  });

  test('input that cannot be read fails as it does, not as damaged', { timeout: DEADLINE }, async () => {
    const thrown = await outcome(honest.start, (builder) => builder.index(join(folder, 'missing'), 'Packages.gz'));
    expect(thrown).toMatchObject({ code: 'ENOENT' });
  });
});
