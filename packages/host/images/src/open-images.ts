import { type BuildOptions, buildImage } from './build-image.ts';
import { cacheAt, cacheDirectory } from './cache.ts';
import { type Image, type ImagesContext, type ImagesOptions, unknown } from './images-context.ts';
import { pull } from './pull.ts';
import { findImage, imageNames, removeImage } from './store/image-store.ts';
import type { ImageManifest } from './store/manifest.ts';

export interface Images {
  /** The image of that name; a built-in one is made if it is not there yet. Needs no network the second time. */
  pull(name: string): Promise<Image>;
  /** Makes the image `name` from another with more packages. Replaces an image of that name. */
  build(name: string, options: BuildOptions): Promise<Image>;
  list(): Promise<ImageManifest[]>;
  /** Throws `unknown-image`. */
  inspect(name: string): Promise<ImageManifest>;
  /** Throws `unknown-image`. */
  remove(name: string): Promise<void>;
}

/** Access to the images in a cache directory. Nothing is touched before the first call. */
export function openImages(options: ImagesOptions): Images {
  const cache = cacheAt(cacheDirectory(options.cacheDirectory, options.testing?.env));
  const context: ImagesContext = { cache, options, now: options.testing?.now ?? Date.now };
  return {
    pull: (name) => pull(context, name),
    build: (name, build) => buildImage(context, name, build),
    async list() {
      const found = await Promise.all((await imageNames(cache)).map((name) => findImage(cache, name)));
      return found.filter((manifest) => manifest !== undefined);
    },
    async inspect(name) {
      return (await findImage(cache, name)) ?? unknown(name);
    },
    async remove(name) {
      if (!(await removeImage(cache, name))) unknown(name);
    },
  };
}
