import { collect } from '../collect.ts';
import type { DownloadContext } from '../download.ts';
import { fail } from '../failure.ts';
import { bodyOf, get } from '../http.ts';

const LIMIT = 8 * 1024 * 1024;

/** Downloads a suite's `InRelease`. Throws `mirror-incomplete` (not there, or no release), `mirror-unreachable`, `aborted`. */
export async function fetchRelease(context: DownloadContext, suite: string): Promise<Uint8Array> {
  const { mirror, signal } = context;
  const response = await get(`${mirror.url}/dists/${suite}/InRelease`, { proxy: mirror.proxy, signal });
  if (response.status !== 200) {
    response.body.destroy();
    const code = response.status === 404 ? 'mirror-incomplete' : 'mirror-unreachable';
    fail(code, `The mirror ${mirror.url} answers ${response.status} for the suite "${suite}"`);
  }
  return collect(bodyOf(response, signal), LIMIT, () =>
    fail('mirror-incomplete', `The mirror ${mirror.url} has a release of "${suite}" of more than ${LIMIT} bytes`),
  );
}
