import { createReadStream } from 'node:fs';
import type { StartLone } from '@cloister/launcher';
import type { BuilderJob, FromBuilder, Selection, TarHeader } from '@cloister/protocol';
import { type ByteSource, collect, sourceOf } from '../collect.ts';
import type { DownloadContext } from '../download.ts';
import { fail } from '../failure.ts';
import { type PackageRecord, packageRecord } from './package-record.ts';
import { type Release, releaseFrom } from './release.ts';
import { type Answer, openSession, type Session } from './session.ts';

/** What works with downloads has them read elsewhere. */
export interface BuildContext extends DownloadContext {
  readonly startBuilder: StartLone;
}

/** An entry of a package; `content` must be read before the next entry. */
export interface PackageEntry {
  readonly header: TarHeader;
  readonly content: ByteSource;
}

/**
 * A process that reads what others made: downloads, and what a guest says. Each of these throws as `Session.run`. What
 * comes back has the form and the size that it should have; whether it is true only the builder knows.
 */
export interface Builder {
  /** Reads a keyring: the keys of `pins` (fingerprints) in it are those to check releases with. `not-found` without any. */
  keys(keyring: Uint8Array, pins: ReadonlySet<string>): Promise<void>;
  /** What a clear-signed release says, and of `files` those that it names; `now` (ms since 1970) has its signature checked. */
  release(message: Uint8Array, files: readonly string[], now?: number): Promise<Release>;
  /** Reads a package index, for `select` and `list`. */
  index(file: string, name: string): Promise<void>;
  select(selection: Selection, names?: readonly string[]): Promise<PackageRecord[]>;
  /** An index for a guest's apt; lines as the protocol's `list` has them. */
  list(lines: readonly string[]): Promise<Uint8Array>;
  /** The entries of a package file whose names match; all of it of at most `limit` bytes. */
  entries(file: string, names: RegExp, limit: number): AsyncGenerator<PackageEntry, void, undefined>;
  /** A package file without compression, and its size; `too-large` beyond `limit`. */
  repack(file: string, limit: number): Promise<{ readonly size: number; readonly content: ByteSource }>;
  /** A kernel module without compression, and the names of those that it needs. */
  module(
    packed: Uint8Array,
    name: string,
  ): Promise<{ readonly content: Uint8Array; readonly depends: readonly string[] }>;
  /** A kernel as a plain Image. */
  kernel(file: Uint8Array): Promise<Uint8Array>;
  /** The files below `base` that apt says it wants. */
  wanted(output: string, base: string): Promise<string[]>;
  end(): void;
}

/** The most answers of a kind that a job may have: more than there are packages that depend on one another. */
const ANSWERS_MAX = 20_000;
const MIB = 1024 * 1024;
/** All of Debian is 60 MiB. */
const LIST_BYTES_MAX = 96 * MIB;
const KERNEL_BYTES_MAX = 256 * MIB;
const MODULE_BYTES_MAX = 64 * MIB;

const lines = (all: readonly string[]): ByteSource => sourceOf(Buffer.from(all.map((line) => `${line}\n`).join('')));
const pieces = (file: string): ByteSource => createReadStream(file, { highWaterMark: 128 * 1024 });

/**
 * Starts a builder for one purpose, `what` it reads; one that has read a package must not be asked about a signature.
 * Throws `build-failed` if it does not start.
 */
export async function openBuilder(
  context: Pick<BuildContext, 'startBuilder' | 'signal'>,
  what: string,
): Promise<Builder> {
  const running = await context
    .startBuilder()
    .catch((error) => fail('build-failed', error instanceof Error ? error.message : String(error), error));
  return builderOver(openSession(running, { what, signal: context.signal }));
}

/** Has a builder do one thing. */
export async function withBuilder<T>(
  context: Pick<BuildContext, 'startBuilder' | 'signal'>,
  what: string,
  work: (builder: Builder) => Promise<T>,
): Promise<T> {
  const builder = await openBuilder(context, what);
  try {
    return await work(builder);
  } finally {
    builder.end();
  }
}

export function builderOver(session: Session): Builder {
  /** All answers, each of one of the kinds. */
  const ask = async <K extends Answer['kind']>(job: BuilderJob, input: ByteSource, ...kinds: readonly K[]) => {
    const answers: Extract<FromBuilder, { kind: K }>[] = [];
    for await (const answer of session.run(job, input)) {
      if (!(kinds as readonly string[]).includes(answer.kind) || answers.length === ANSWERS_MAX) session.distrust();
      answers.push(answer as Extract<FromBuilder, { kind: K }>);
    }
    return answers;
  };
  /** Output, `size` bytes of it. */
  async function* content(answers: AsyncGenerator<Answer>, size: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = size; left > 0; ) {
      const { value } = await answers.next();
      if (value?.kind !== 'output' || value.bytes.length > left) return session.distrust();
      left -= value.bytes.length;
      yield value.bytes;
    }
  }
  async function* toEnd(answers: AsyncGenerator<Answer>, size: number): AsyncGenerator<Uint8Array, void, undefined> {
    yield* content(answers, size);
    if ((await answers.next()).done !== true) session.distrust();
  }
  /** The answer with which output begins. */
  const first = async <K extends 'size' | 'module'>(answers: AsyncGenerator<Answer>, kind: K, limit: number) => {
    const { value } = await answers.next();
    if (value?.kind !== kind || value.size > limit) return session.distrust();
    return value as Extract<Answer, { kind: K }>;
  };

  return {
    async keys(keyring, pins) {
      await ask({ kind: 'keys', pins: [...pins] }, sourceOf(keyring));
    },
    async release(message, files, now) {
      const job = { kind: 'release', verified: now !== undefined, now: Math.trunc((now ?? 0) / 1000), files } as const;
      const answers = await ask(job, sourceOf(message), 'release', 'file');
      return releaseFrom(answers) ?? session.distrust();
    },
    async index(file, name) {
      await ask({ kind: 'index', name }, pieces(file));
    },
    async select(selection, names = []) {
      const answers = await ask({ kind: 'select', selection }, lines(names), 'package');
      return answers.map((answer) => packageRecord(answer) ?? session.distrust());
    },
    async list(all) {
      const output = async function* (answers: AsyncGenerator<Answer>) {
        for await (const answer of answers) {
          if (answer.kind !== 'output') return session.distrust();
          yield answer.bytes;
        }
      };
      return collect(output(session.run({ kind: 'list' }, lines(all))), LIST_BYTES_MAX, session.distrust);
    },
    async *entries(file, names, limit) {
      const answers = session.run({ kind: 'entries', names: names.source, limit }, pieces(file));
      let room = limit;
      for await (const answer of answers) {
        if (answer.kind !== 'entry') return session.distrust();
        const { kind: _, ...header } = answer;
        // What an entry of nothing takes of a tar archive.
        room -= 512 + header.size;
        if (room < 0 || (header.type !== 'file' && header.size > 0)) session.distrust();
        const bytes = content(answers, header.size);
        yield { header, content: bytes };
        for await (const _rest of bytes);
      }
    },
    async repack(file, limit) {
      const answers = session.run({ kind: 'repack', limit }, pieces(file));
      // Two archives and what is around them.
      const { size } = await first(answers, 'size', 2 * limit + MIB);
      return { size, content: toEnd(answers, size) };
    },
    async module(packed, name) {
      const answers = session.run({ kind: 'module', name, limit: MODULE_BYTES_MAX }, sourceOf(packed));
      const { size, depends } = await first(answers, 'module', MODULE_BYTES_MAX);
      return { content: await collect(toEnd(answers, size), size, session.distrust), depends };
    },
    async kernel(file) {
      const answers = session.run({ kind: 'kernel' }, sourceOf(file));
      const { size } = await first(answers, 'size', KERNEL_BYTES_MAX);
      return collect(toEnd(answers, size), size, session.distrust);
    },
    async wanted(output, base) {
      const answers = await ask({ kind: 'wanted', base }, sourceOf(Buffer.from(output)), 'wanted');
      return answers.map(({ filename }) => filename);
    },
    end: session.end,
  };
}
