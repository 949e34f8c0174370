import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleUrl } from '../../launcher/src/bundles.ts';
import { streamChannel } from '../../launcher/src/channels/stream-channel.ts';
import { knownLevel } from '../../launcher/src/client/sandbox-level.ts';
import type { StartBuilder } from '../../launcher/src/client/start-builder.ts';
import { loadBuild, openManifest } from '../../launcher/src/manifest.ts';
import { createLinkMaker } from '../../launcher/src/privileged/link.ts';
import { createSpawn } from '../../launcher/src/privileged/spawn.ts';
import { thisNode } from '../../launcher/src/sandbox/node-runtime.ts';

/**
 * Starts builders as the launcher does, each a process in the sandbox that this machine reaches, with less memory and, if
 * `code` is given, with other code.
 */
export async function starterWith(
  dataBytes: number,
  code?: string,
): Promise<{ readonly start: StartBuilder; remove(): void }> {
  const directory = mkdtempSync(join(tmpdir(), 'builders-'));
  const built = openManifest(dirname(fileURLToPath(bundleUrl('launcher'))));
  const spawn = createSpawn(thisNode(), await knownLevel(directory), (name) =>
    name === 'builder.cjs' && code !== undefined ? loadBuild(code) : built(name),
  );
  const links = await createLinkMaker(join(directory, 'links.sock'));
  return {
    async start() {
      const link = await links.make();
      const [near, far] = link.ends;
      const builder = spawn(
        {
          ...({ kind: 'builder', builds: {}, debug: false, files: [], settings: {}, cpus: 1, dataBytes } as const),
          links: [{ end: far, epoch: link.epoch }],
          heard: () => undefined,
        },
        () => undefined,
      );
      void builder.ended.then(link.close);
      return { channel: streamChannel(near, link.epoch, 'told'), ended: builder.ended, end: builder.kill };
    },
    remove() {
      links.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
