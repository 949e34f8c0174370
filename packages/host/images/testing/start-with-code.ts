import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EPOCH_BYTES } from '@cloister/protocol';
import { streamChannel } from '../../launcher/src/channels/stream-channel.ts';
import { makeRecipes } from '../../launcher/src/client/make-recipes.ts';
import { knownLevel } from '../../launcher/src/client/sandbox-level.ts';
import type { StartLone } from '../../launcher/src/client/start-lone.ts';
import { writeLine } from '../../launcher/src/lines.ts';
import { type Code, closeCapability, readCode } from '../../launcher/src/privileged/capability.ts';
import { startCompartment } from '../../launcher/src/privileged/compartment.ts';
import { createLinkMaker } from '../../launcher/src/privileged/link.ts';

/**
 * Starts builders as the launcher does, each a process in the sandbox that this machine reaches, with less memory and, if
 * `code` is given, with other code.
 */
export async function starterWith(
  dataBytes: number,
  code?: string,
): Promise<{ readonly start: StartLone; remove(): void }> {
  const directory = mkdtempSync(join(tmpdir(), 'builders-'));
  const recipe = makeRecipes(await knownLevel(directory)).builder!;
  const builds: Record<string, Code> = code === undefined ? {} : { 'builder.cjs': readCode(code) };
  const makeLink = await createLinkMaker(join(directory, 'links.sock'));
  return {
    async start() {
      const link = await makeLink();
      const [near, far] = link.ends;
      const epoch = randomBytes(EPOCH_BYTES);
      let settle: (how: string) => void = () => undefined;
      const ended = new Promise<string>((resolve) => {
        settle = resolve;
      });
      const builder = startCompartment('builder', { recipe, builds, dataBytes, ends: [far!], files: [] }, (what) => {
        if ('ended' in what) settle(what.how);
      });
      writeLine(builder.pipe, { links: [epoch.toString('base64')], settings: {} });
      builder.pipe.resume();
      void ended.then(() => closeCapability(link));
      return { channel: streamChannel(near!, epoch, 'told'), ended, end: builder.kill };
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
