import { join } from 'node:path';
import { type BuildContext, type Builder, withBuilder } from '../builder/builder.ts';
import { Refusal } from '../builder/refusal.ts';
import type { Release } from '../builder/release.ts';
import { readIfThere, writeAtomically } from '../cache.ts';
import type { DownloadContext } from '../download.ts';
import { fail, isMirrorFault } from '../failure.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { claimsOf } from './claims.ts';
import { fetchKeys, readCachedKeys } from './keys.ts';
import { INDEX_FILES, loadIndex, type OpenIndex, type PackageIndex } from './package-index.ts';
import { fetchRelease } from './release-file.ts';

/** The suites that are known to hold riscv64, in the order in which a bare name tries them. */
export const SUITES = ['trixie', 'forky', 'sid'] as const;
export type SuiteName = (typeof SUITES)[number];

/** A suite whose release and index verified. */
export interface Suite {
  readonly name: SuiteName;
  readonly mirror: Mirror;
  readonly release: Release;
  readonly index: PackageIndex;
  /** Past its Valid-Until, and used all the same. */
  readonly expired: boolean;
  /** For each suite that was asked for first: why it could not be used. */
  readonly passedOver: readonly { readonly suite: SuiteName; readonly reason: string }[];
}

export interface ArchiveOptions {
  readonly context: Omit<BuildContext, 'mirror'>;
  /** Holds the suite's index; whoever made it ends it. */
  readonly index: OpenIndex;
  readonly mirrors: readonly Mirror[];
  readonly pins: ReadonlySet<string>;
  readonly strict: boolean;
  readonly warn: (line: string) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Opens the first of `wanted` that verifies on the first mirror that carries Debian. With one suite wanted, that one or
 * an error. With several, those passed over are named in one warning; `strict` refuses to pass any over.
 */
export async function openSuite(options: ArchiveOptions, wanted: readonly SuiteName[]): Promise<Suite> {
  const passedOver: { suite: SuiteName; reason: string }[] = [];
  let first: unknown;
  for (const name of wanted) {
    try {
      const suite = await openOnAnyMirror(options, name);
      if (passedOver.length > 0) {
        options.warn(
          `Using Debian ${name}: ${passedOver.map(({ suite: other, reason }) => `${other} cannot be used (${reason})`).join('; ')}`,
        );
      }
      return { ...suite, passedOver };
    } catch (error) {
      if (!isMirrorFault(error) || options.strict) throw error;
      first ??= error;
      passedOver.push({ suite: name, reason: error.message });
    }
  }
  throw first;
}

async function openOnAnyMirror(options: ArchiveOptions, name: SuiteName): Promise<Omit<Suite, 'passedOver'>> {
  let first: unknown;
  for (const mirror of options.mirrors) {
    try {
      return await open(options, { ...options.context, mirror }, name);
    } catch (error) {
      // Of apt's sources some are no Debian mirror, or none for this suite; the most telling error is that of a mirror
      // which did serve a release.
      if (!isMirrorFault(error)) throw error;
      if (
        first === undefined ||
        (error.code !== 'mirror-unreachable' && (first as { code: string }).code === 'mirror-unreachable')
      )
        first = error;
    }
  }
  throw first;
}

async function open(
  options: ArchiveOptions,
  context: BuildContext,
  name: SuiteName,
): Promise<Omit<Suite, 'passedOver'>> {
  const bytes = await fetchRelease(context, name);
  // This builder sees releases and keys alone: no maintainer of a package can reach its verdict.
  const release = await withBuilder(context, `the release of "${name}"`, (verdict) =>
    verified(options, context, verdict, name, bytes),
  );
  if (release.origin !== 'Debian')
    fail('mirror-incomplete', `The mirror ${context.mirror.url} is not Debian's but "${release.origin}"`);
  // A release that is good but of another suite would pass for this one.
  if (release.codename !== name)
    fail('bad-signature', `The mirror serves the release of "${release.codename}" as "${name}"`);
  await refuseOlder(context, name, release);
  const expired = release.validUntil !== undefined && release.validUntil < options.now();
  if (expired) {
    const until = new Date(release.validUntil).toISOString().slice(0, 10);
    if (options.strict) fail('release-expired', `The release of "${name}" was valid until ${until}`);
    options.warn(
      `The mirror's release of Debian ${name} was valid until ${until}; using it, since no newer one was seen`,
    );
  }
  const index = await loadIndex(context, options.index, name, release);
  await remember(context, name, release);
  return { name, mirror: context.mirror, release, index, expired };
}

async function verified(
  options: ArchiveOptions,
  context: BuildContext,
  verdict: Builder,
  name: string,
  bytes: Uint8Array,
): Promise<Release> {
  await claimsOf(context, verdict, name, bytes);
  const check = () => verdict.release(bytes, INDEX_FILES, options.now());
  if (await readCachedKeys(context, verdict, options.pins))
    try {
      return await check();
    } catch (error) {
      // A newer keyring may prolong a key that has expired in the cached one.
      if (!(error instanceof Refusal) || error.code !== 'expired') refuseSignature(name, error);
    }
  await fetchKeys(context, options.index, verdict, [name, ...SUITES.filter((other) => other !== name)], options.pins);
  try {
    return await check();
  } catch (error) {
    refuseSignature(name, error);
  }
}

function refuseSignature(name: string, error: unknown): never {
  if (error instanceof Refusal)
    fail('bad-signature', `The release of "${name}" is not signed by Debian (${error.message.toLowerCase()})`, error);
  throw error;
}

/** What was seen of a suite: its newest release's date, in milliseconds since 1970. */
interface Seen {
  readonly schema: 1;
  readonly date: number;
}

async function refuseOlder(context: DownloadContext, name: string, release: Release): Promise<void> {
  const seen = await seenDate(context, name);
  if (seen !== undefined && release.date < seen) {
    const day = (date: number) => new Date(date).toISOString().slice(0, 10);
    fail(
      'release-older',
      `The mirror's release of "${name}" is of ${day(release.date)}, one of ${day(seen)} was seen before`,
    );
  }
}

async function remember(context: DownloadContext, name: string, release: Release): Promise<void> {
  const seen = await seenDate(context, name);
  if (seen !== undefined && seen >= release.date) return;
  const state: Seen = { schema: 1, date: release.date };
  await writeAtomically(seenPath(context, name), `${JSON.stringify(state)}\n`);
}

async function seenDate(context: DownloadContext, name: string): Promise<number | undefined> {
  const bytes = await readIfThere(seenPath(context, name));
  if (bytes === undefined) return undefined;
  try {
    const state = JSON.parse(bytes.toString('utf8')) as Partial<Seen>;
    return typeof state.date === 'number' ? state.date : undefined;
  } catch {
    return undefined;
  }
}

function seenPath(context: DownloadContext, name: string): string {
  return join(context.cache.archive, `seen-${name}.json`);
}
