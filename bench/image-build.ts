import { cpSync, existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheDirectory, openImages, type StartVirtualMachine } from '@cloister/images';
import { startBuilder, startVirtualMachine } from '@cloister/launcher';
import { hostImages } from '@cloister/sdk';
import { qemuStarter } from '../packages/host/images/testing/qemu-machine.ts';
import { type Bench, reported } from './measurement.ts';

const PEER_LIMIT_MS = 1_200_000;
/** The step with which a build begins once all packages are there. */
const FIRST_STEP = 'preparing the build';

/** The wall time of the debian image's build from downloaded packages, here and with QEMU as the build's machine. */
export const imageBuildBench: Bench = async ({ quick }) => {
  const { manifest } = await hostImages().pull('debian');
  const image = `debian:${manifest.suite}`;
  const ours: number[] = [];
  const peer: number[] = [];
  const speeds: number[] = [];
  const instructions: number[] = [];
  for (let run = 0; run < (quick ? 1 : 3); run += 1) {
    let retired = 0;
    let milliseconds = 0;
    const counted: StartVirtualMachine = (config) => {
      const start = performance.now();
      return startVirtualMachine(config, {
        retired: (count) => {
          retired += count;
          milliseconds += performance.now() - start;
        },
      });
    };
    ours.push(await buildSeconds(image, counted));
    speeds.push(retired / 1000 / milliseconds);
    instructions.push(retired / 1e9);
    peer.push(await buildSeconds(image, qemuStarter(PEER_LIMIT_MS)));
  }
  return [
    reported('image-build', `wall seconds of the build of ${image}, downloads excluded`, ours, peer),
    reported('image-build', 'guest MIPS during the build, waits included', speeds),
    reported('image-build', 'guest instructions of the build, G', instructions),
  ];
};

/** Builds an image in a cache of its own, with the host's packages; the seconds after all of them were there. */
async function buildSeconds(image: string, start: StartVirtualMachine): Promise<number> {
  const from = cacheDirectory();
  mkdirSync(from, { recursive: true });
  // Beside the cache, so that files can have a second name.
  const directory = mkdtempSync(join(existsSync(from) ? from : tmpdir(), 'bench-'));
  let begun = performance.now();
  try {
    mkdirSync(join(directory, 'blobs'));
    for (const name of readdirSync(join(from, 'blobs')))
      linkSync(join(from, 'blobs', name), join(directory, 'blobs', name));
    for (const name of ['archive', 'guest-parts'])
      if (existsSync(join(from, name))) cpSync(join(from, name), join(directory, name), { recursive: true });
    const images = openImages({
      cacheDirectory: directory,
      startVirtualMachine: start,
      startBuilder,
      progress: (step) => {
        if (step.kind === 'step' && step.text === FIRST_STEP) begun = performance.now();
      },
    });
    await images.pull(image);
    return (performance.now() - begun) / 1000;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
