import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What runs in a thread or process of its own, by the names of tools/build.mjs. */
export type BundleName = 'launcher' | 'machine' | 'hart' | 'slice' | 'storage' | 'scheduler';

/**
 * Where a bundle lies: beside the bundle that this code is part of or, when it runs from its sources (tests), in the
 * workspace's `dist`.
 * @throws if it was not built
 */
export function bundleUrl(name: BundleName): URL {
  const file = name === 'launcher' ? 'launcher.js' : `${name}.cjs`;
  const candidates = [new URL(file, import.meta.url), new URL(`../../../../dist/${file}`, import.meta.url)];
  const found = candidates.find((url) => existsSync(fileURLToPath(url)));
  if (found === undefined) throw new Error(`"dist/${file}" is not there: run npm run build`);
  return found;
}
