import type { BuildContext, Builder } from '../builder/builder.ts';
import { Refusal } from '../builder/refusal.ts';
import type { Release } from '../builder/release.ts';
import { fail } from '../failure.ts';
import { INDEX_FILES } from './package-index.ts';

/** What an `InRelease` claims, before anything of it was checked. Throws `mirror-incomplete` if it is none. */
export async function claimsOf(
  { mirror }: BuildContext,
  builder: Builder,
  suite: string,
  bytes: Uint8Array,
): Promise<Release> {
  try {
    return await builder.release(bytes, INDEX_FILES);
  } catch (error) {
    if (error instanceof Refusal)
      fail('mirror-incomplete', `The mirror ${mirror.url} has no valid release of "${suite}"`, error);
    throw error;
  }
}
