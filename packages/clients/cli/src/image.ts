import type { ImageManifest } from '@cloister/images';
import { hostImages, type ImageSettings } from '@cloister/sdk';
import { progressText, statusLine } from './status-line.ts';

export interface ImageFlags {
  readonly mirror?: string;
  readonly strictMirror?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Images with progress on stderr and Ctrl-C as an abort. */
function opened(name: string, flags: ImageFlags) {
  const status = statusLine();
  const abort = new AbortController();
  const interrupt = (): void => abort.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const settings: ImageSettings = {
    mirror: flags.mirror,
    strictMirror: flags.strictMirror,
    signal: abort.signal,
    progress: (progress) => status.show(progressText(name, progress)),
    warn: (line) => {
      status.clear();
      process.stderr.write(`cloister: ${line}\n`);
    },
  };
  return {
    images: hostImages(settings),
    done: () => {
      status.clear();
      process.removeListener('SIGINT', interrupt);
      process.removeListener('SIGTERM', interrupt);
    },
  };
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
const sizeOf = (manifest: ImageManifest): number =>
  manifest.kernel.size + manifest.initrd.size + (manifest.rootDisk?.size ?? 0);

export async function listImages(flags: ImageFlags): Promise<number> {
  const found = await hostImages().list();
  if (flags.json === true) print({ schema: 1, images: found });
  else if (flags.quiet === true) for (const { name } of found) process.stdout.write(`${name}\n`);
  else {
    const rows = found.map((m) => [m.name, m.suite, String(m.packages.length), mib(sizeOf(m))]);
    for (const row of [['NAME', 'SUITE', 'PACKAGES', 'SIZE'], ...rows])
      process.stdout.write(
        `${row
          .map((cell, i) => cell.padEnd([24, 10, 10, 0][i]!))
          .join('')
          .trimEnd()}\n`,
      );
  }
  return 0;
}

export async function pullImage(name: string, flags: ImageFlags): Promise<number> {
  const { images, done } = opened(name, flags);
  try {
    const image = await images.pull(name);
    if (flags.json === true) print({ schema: 1, image: image.manifest });
    return 0;
  } finally {
    done();
  }
}

export async function buildImage(
  name: string,
  flags: ImageFlags & { readonly from: string; readonly packages: string },
): Promise<number> {
  const { images, done } = opened(name, flags);
  try {
    const packages = flags.packages
      .split(',')
      .map((word) => word.trim())
      .filter((word) => word !== '');
    const image = await images.build(name, { from: flags.from, packages });
    if (flags.json === true) print({ schema: 1, image: image.manifest });
    return 0;
  } finally {
    done();
  }
}

export async function removeImages(names: readonly string[]): Promise<number> {
  const images = hostImages();
  for (const name of names) await images.remove(name);
  return 0;
}

export async function inspectImage(name: string): Promise<number> {
  print({ schema: 1, image: await hostImages().inspect(name) });
  return 0;
}
