import { collect, parseRelease, type Release, unverifiedText } from '@cloister/builder';
import type { DownloadContext } from '../download.ts';
import { fail } from '../failure.ts';
import { bodyOf, get } from '../http.ts';

/** An `InRelease` as it came: its bytes, and what it claims before anything was checked. */
export interface UnverifiedRelease {
  readonly bytes: Uint8Array;
  readonly claims: Release;
}

const LIMIT = 8 * 1024 * 1024;

/** Downloads a suite's `InRelease`. Throws `mirror-incomplete` (not there, or no release), `mirror-unreachable`, `aborted`. */
export async function fetchRelease(context: DownloadContext, suite: string): Promise<UnverifiedRelease> {
  const { mirror, signal } = context;
  const response = await get(`${mirror.url}/dists/${suite}/InRelease`, { proxy: mirror.proxy, signal });
  if (response.status !== 200) {
    response.body.destroy();
    const code = response.status === 404 ? 'mirror-incomplete' : 'mirror-unreachable';
    fail(code, `The mirror ${mirror.url} answers ${response.status} for the suite "${suite}"`);
  }
  const bytes = await collect(bodyOf(response, signal), LIMIT);
  try {
    return { bytes, claims: parseRelease(unverifiedText(bytes)) };
  } catch (error) {
    fail('mirror-incomplete', `The mirror ${mirror.url} has no valid release of "${suite}"`, error);
  }
}
