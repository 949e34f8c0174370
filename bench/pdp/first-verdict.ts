import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const CLI = fileURLToPath(new URL('../packages/clients/cli/bin/cloister.mjs', import.meta.url));
const run = promisify(execFile);
const COMMAND_MS = 300_000;

/** Seconds of a newcomer's `cloister audit add DIR && cloister audit run`, nothing being there before. */
export async function firstVerdict(
  folder: string,
  bytes: number,
): Promise<{ readonly add: number; readonly run: number }> {
  const store = join(folder, 'store');
  mkdirSync(store);
  const file = openSync(join(store, 'file'), 'w');
  const piece = randomBytes(2 ** 20);
  for (let at = 0; at < bytes; at += piece.length) writeSync(file, piece);
  closeSync(file);
  const timed = async (...words: readonly string[]): Promise<number> => {
    const from = performance.now();
    await run(process.execPath, [CLI, 'audit', ...words], { timeout: COMMAND_MS, killSignal: 'SIGKILL' });
    return (performance.now() - from) / 1000;
  };
  return { add: await timed('add', store), run: await timed('run') };
}
