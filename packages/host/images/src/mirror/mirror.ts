import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../failure.ts';
import { aptProxy, aptUris } from './apt-configuration.ts';

/** A Debian mirror: the URL above `dists/` and `pool/`, without a trailing slash, and the proxy to reach it through. */
export interface Mirror {
  readonly url: string;
  readonly proxy: string | undefined;
}

/** The one place that names the public mirror: used without any other, and written into every image's sources.list. */
export const PUBLIC_MIRROR = 'https://ftp.debian.org/debian';

export interface MirrorOptions {
  /** `--mirror`. */
  readonly mirror?: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
  /** The host's apt configuration; another directory in tests. */
  readonly aptDirectory?: string;
}

/**
 * The mirrors to try, best first: `--mirror` alone, or `CLOISTER_MIRROR` alone, or those of the host's apt sources (which
 * may be another distribution's: each must prove itself by a release signed by Debian) and then the public one.
 * Throws `bad-mirror`.
 */
export async function mirrorCandidates(options: MirrorOptions): Promise<Mirror[]> {
  const env = options.env ?? process.env;
  const given = options.mirror ?? (env.CLOISTER_MIRROR || undefined);
  const apt = await aptFiles(options.aptDirectory ?? '/etc/apt');
  const proxyOf = (url: string) => aptProxy(apt.configuration, url) ?? environmentProxy(env, url);
  const mirror = (url: string): Mirror => ({ url, proxy: proxyOf(url) });
  if (given !== undefined)
    return [mirror(mirrorUrl(given) ?? fail('bad-mirror', `"${given}" is not the URL of a mirror`))];
  const urls = aptUris(apt.sources).flatMap((uri) => mirrorUrl(uri) ?? []);
  return [...new Set([...urls, PUBLIC_MIRROR])].map(mirror);
}

/** A mirror's URL in one form, or `undefined` for what is none (`cdrom:`, `file:`, nonsense). */
function mirrorUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.search !== '' || url.hash !== '') return undefined;
  return url.href.replace(/\/+$/, '');
}

function environmentProxy(env: NodeJS.ProcessEnv, url: string): string | undefined {
  const { protocol, hostname } = new URL(url);
  const excluded = (env.no_proxy ?? env.NO_PROXY ?? '').split(',').map((entry) => entry.trim().replace(/^\./, ''));
  if (excluded.some((entry) => entry !== '' && (entry === '*' || hostname === entry || hostname.endsWith(`.${entry}`))))
    return undefined;
  const proxy = protocol === 'https:' ? (env.https_proxy ?? env.HTTPS_PROXY) : env.http_proxy;
  return proxy !== undefined && URL.canParse(proxy) ? proxy : undefined;
}

/** The texts of apt's sources and configuration, in the order that apt reads them; what cannot be read is left out. */
async function aptFiles(
  directory: string,
): Promise<{ sources: { name: string; text: string }[]; configuration: string }> {
  const read = async (path: string) => (await readFile(path, 'utf8').catch(() => '')) as string;
  const list = async (name: string) => (await readdir(join(directory, name)).catch(() => [])).sort();
  const sources = [{ name: 'sources.list', text: await read(join(directory, 'sources.list')) }];
  for (const name of await list('sources.list.d')) {
    if (/\.(list|sources)$/.test(name))
      sources.push({ name, text: await read(join(directory, 'sources.list.d', name)) });
  }
  let configuration = '';
  for (const name of await list('apt.conf.d')) {
    if (/^[\w-]+(\.conf)?$/.test(name)) configuration += `${await read(join(directory, 'apt.conf.d', name))}\n`;
  }
  configuration += await read(join(directory, 'apt.conf'));
  return { sources, configuration };
}
