import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { BuilderError, collect, debEntries, type SigningKey, signingKeys } from '@cloister/builder';
import { readIfThere, writeAtomically } from '../cache.ts';
import { type DownloadContext, download } from '../download.ts';
import { fail } from '../failure.ts';
import { loadIndex } from './package-index.ts';
import { fetchRelease, type UnverifiedRelease } from './release-file.ts';

/**
 * The fingerprints of the primary keys that sign Debian's main archive, as the debian-archive-keyring package publishes
 * them: automatic and stable keys of bookworm (12) and trixie (13).
 */
export const ARCHIVE_KEY_PINS: ReadonlySet<string> = new Set([
  'B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8',
  '4D64FEC119C2029067D6E791F8D2585B8783D481',
  '04B54C3CDCA79751B16BC6B5225629DF75B188BD',
  '41587F7DB8C774BCCF131416762F67A0B2C39DE4',
]);

const KEYRING_LIMIT = 4 * 1024 * 1024;
const PACKAGE_LIMIT = 64 * 1024 * 1024;

/** Keys from the cache, or `undefined`. The pins are checked anew: what lies in the cache is not trusted. */
export async function cachedKeys(
  context: DownloadContext,
  pins: ReadonlySet<string>,
): Promise<SigningKey[] | undefined> {
  const bytes = await readIfThere(keyringPath(context));
  if (bytes === undefined) return undefined;
  try {
    const keys = signingKeys(bytes, pins);
    return keys.length === 0 ? undefined : keys;
  } catch (error) {
    if (error instanceof BuilderError) return undefined;
    throw error;
  }
}

/**
 * Keys from the mirror's own debian-archive-keyring package. Nothing on the way there can be verified yet, and need not
 * be: a key counts by its fingerprint alone. Tries the suites in order, since a mirror may lack some of one.
 * Throws `bad-signature` if the mirror's keyring holds no pinned key.
 */
export async function fetchKeys(
  context: DownloadContext,
  suites: readonly string[],
  pins: ReadonlySet<string>,
): Promise<SigningKey[]> {
  let reason: unknown;
  for (const suite of suites) {
    try {
      const release: UnverifiedRelease = await fetchRelease(context, suite);
      const index = await loadIndex(context, suite, release.claims);
      const record = index.newest('debian-archive-keyring');
      if (record === undefined) continue;
      const deb = await download(context, { path: record.filename, size: record.size, sha256: record.sha256 });
      const keyring = await keyringOf(deb);
      const keys = signingKeys(keyring, pins);
      if (keys.length === 0) fail('bad-signature', "The mirror's keyring holds none of Debian's known keys");
      await writeAtomically(keyringPath(context), keyring);
      return keys;
    } catch (error) {
      if ((error as { code?: string }).code === 'aborted') throw error;
      reason ??= error;
    }
  }
  throw reason ?? fail('mirror-incomplete', 'The mirror does not have the package "debian-archive-keyring"');
}

async function keyringOf(deb: string): Promise<Uint8Array> {
  for await (const { header, content } of debEntries(createReadStream(deb), PACKAGE_LIMIT)) {
    const name = 'usr/share/keyrings/debian-archive-keyring';
    if (header.kind === 'file' && (header.name === `${name}.pgp` || header.name === `${name}.gpg`))
      return collect(content, KEYRING_LIMIT);
  }
  fail('bad-package', 'The package "debian-archive-keyring" has no keyring');
}

function keyringPath(context: DownloadContext): string {
  return join(context.cache.archive, 'debian-archive-keyring.pgp');
}
