import { join } from 'node:path';
import { type BuildContext, type Builder, withBuilder } from '../builder/builder.ts';
import { Refusal } from '../builder/refusal.ts';
import { readIfThere, writeAtomically } from '../cache.ts';
import { collect } from '../collect.ts';
import { download } from '../download.ts';
import { fail, ImageError } from '../failure.ts';
import { claimsOf } from './claims.ts';
import { loadIndex, type OpenIndex, packagesNamed } from './package-index.ts';
import { fetchRelease } from './release-file.ts';

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
const PACKAGE = 'debian-archive-keyring';

/** Whether `verdict` has read the keys in the cache. The pins are checked anew: what lies in the cache is not trusted. */
export async function readCachedKeys(
  context: BuildContext,
  verdict: Builder,
  pins: ReadonlySet<string>,
): Promise<boolean> {
  const bytes = await readIfThere(keyringPath(context));
  return bytes !== undefined && (await readKeys(verdict, bytes, pins));
}

/**
 * Has `verdict` read the keys from the mirror's own debian-archive-keyring package, and keeps them. Nothing on the way
 * there can be verified yet, and need not be: a key counts by its fingerprint alone. Tries the suites in order, since a
 * mirror may lack some of one. Throws `bad-signature` if the mirror's keyring holds no pinned key.
 */
export async function fetchKeys(
  context: BuildContext,
  index: OpenIndex,
  verdict: Builder,
  suites: readonly string[],
  pins: ReadonlySet<string>,
): Promise<void> {
  let reason: unknown;
  for (const suite of suites) {
    try {
      const claims = await claimsOf(context, verdict, suite, await fetchRelease(context, suite));
      const [record] = await packagesNamed(await loadIndex(context, index, suite, claims), [PACKAGE]);
      const { filename, size, sha256 } = record!;
      const keyring = await keyringOf(context, await download(context, { path: filename, size, sha256 }));
      if (!(await readKeys(verdict, keyring, pins)))
        fail('bad-signature', "The mirror's keyring holds none of Debian's known keys");
      await writeAtomically(keyringPath(context), keyring);
      return;
    } catch (error) {
      if (error instanceof ImageError && error.code === 'aborted') throw error;
      reason ??= error;
    }
  }
  throw reason;
}

async function readKeys(verdict: Builder, keyring: Uint8Array, pins: ReadonlySet<string>): Promise<boolean> {
  try {
    await verdict.keys(keyring, pins);
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

function keyringOf(context: BuildContext, deb: string): Promise<Uint8Array> {
  return withBuilder(context, `the package "${PACKAGE}"`, async (builder) => {
    const names = /^usr\/share\/keyrings\/debian-archive-keyring\.(pgp|gpg)$/;
    const none = (): never => fail('bad-package', `The package "${PACKAGE}" has no keyring`);
    for await (const { header, content } of builder.entries(deb, names, PACKAGE_LIMIT))
      if (header.type === 'file') return await collect(content, KEYRING_LIMIT, none);
    return none();
  });
}

function keyringPath(context: BuildContext): string {
  return join(context.cache.archive, 'debian-archive-keyring.pgp');
}
