import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { auditReceipts, audits } from '@cloister/sdk';
import { type Random, randomFrom } from '../../packages/protocol/src/testing/mutate.ts';
import type { FullCheck } from '../full.ts';

const CLI = fileURLToPath(new URL('../packages/clients/cli/bin/cloister.mjs', import.meta.url));
const KILLS = 1000;
const QUICK_KILLS = 30;
const FILES = 200;
/** From before Node has started to after most commands have ended. */
const KILL_AFTER_MS = { least: 40, most: 900 };
/** Everything is read after so many kills. */
const CHECK_EVERY = 50;
const COMMAND_MS = 60_000;
const NAME = 'killed';

/** What is killed: tagging, recording, reading a sample, reading all, and reading again and again. */
const COMMANDS = {
  add: (store: string) => ['add', '--name', NAME, '--block-size', '4k', store],
  sync: () => ['sync', NAME, '--changed', '--removed'],
  run: () => ['run', NAME],
  all: () => ['run', '--all', NAME],
  watch: () => ['watch', '--every', '1ms', NAME],
} as const;
type CommandName = keyof typeof COMMANDS;

/**
 * Commands on an audit are killed at random instants, under a store that grows and changes: the state always opens, what
 * was tagged stays tagged, no audit counts twice, and in the end everything is intact.
 */
export const auditKill: FullCheck = async ({ quick }) => {
  const seed = Number(process.env.CLOISTER_SEED ?? Date.now() % 1e9);
  const random = randomFrom(seed);
  const folder = mkdtempSync(join(tmpdir(), 'cloister-audit-kill-'));
  const store = join(folder, 'store');
  mkdirSync(store);
  process.env.CLOISTER_HOME = join(folder, 'home');
  process.env.CLOISTER_RUNTIME_DIR = join(folder, 'runtime');
  const faults: string[] = [];
  const kills: Partial<Record<CommandName, number>> = {};
  let ended = 0;
  let files = 0;
  const grow = (): void => {
    for (let more = 1 + random(3); more > 0; more -= 1)
      writeFileSync(
        join(store, `file-${(files += 1)}`),
        noise(random, random(5) === 0 ? random(200_000) : random(9000)),
      );
  };
  try {
    while (files < FILES) grow();
    const all = audits();
    await all.add(store, { name: NAME, blockBytes: 4096 });
    let last = await all.status(NAME);
    for (let kill = 1, landed = 0; landed < (quick ? QUICK_KILLS : KILLS) && faults.length === 0; kill += 1) {
      const name = (Object.keys(COMMANDS) as CommandName[])[random(5)]!;
      if (name === 'add') grow();
      // Changed, so that it is tagged anew under the same name.
      if (name === 'sync') writeFileSync(join(store, `file-${1 + random(FILES)}`), noise(random, random(20_000)));
      const delay = KILL_AFTER_MS.least + random(KILL_AFTER_MS.most - KILL_AFTER_MS.least);
      if (await killed(['audit', ...COMMANDS[name](store)], delay)) {
        kills[name] = (kills[name] ?? 0) + 1;
        landed += 1;
      } else ended += 1;
      const now = await all.status(NAME).catch((error: Error) => {
        faults.push(`kill ${kill}, ${name}: the state does not open: ${error.message}`);
        return last;
      });
      if (now.objects < last.objects)
        faults.push(`kill ${kill}, ${name}: ${last.objects - now.objects} objects are no longer tagged`);
      const audited = now.audits - last.audits;
      if (audited < 0 || (audited > 0 && !['run', 'all', 'watch'].includes(name)) || (audited > 1 && name !== 'watch'))
        faults.push(`kill ${kill}, ${name}: ${audited} audits more than before`);
      last = now;
      if (kill % CHECK_EVERY !== 0) continue;
      await all.sync(NAME, { changed: true, removed: true });
      const { wrong, number } = await all.run(NAME, { all: true });
      if (wrong.length > 0)
        faults.push(`kill ${kill}: ${wrong.length} findings, the first ${JSON.stringify(wrong[0])}`);
      last = { ...(await all.status(NAME)), audits: number };
    }
    await all.sync(NAME, { changed: true, removed: true });
    const { wrong } = await all.run(NAME, { all: true });
    if (wrong.length > 0) faults.push(`in the end: ${JSON.stringify(wrong[0])}`);
    const facts = await all.status(NAME);
    if (facts.objects !== files) faults.push(`in the end: ${facts.objects} of ${files} files are audited`);
    const receipts = await auditReceipts(NAME);
    const numbers = receipts.map(({ number }) => number);
    if (numbers.some((number, at) => number !== at + 1) || numbers.length !== facts.audits)
      faults.push(`in the end: ${numbers.length} receipts for ${facts.audits} audits`);
    const bad = receipts.filter(({ verified }) => !verified.ok).length;
    if (bad > 0) faults.push(`in the end: ${bad} receipts do not verify`);
    return {
      holds: faults.length === 0,
      seed,
      kills,
      ended,
      files,
      audits: facts.audits,
      commits: facts.counter,
      faults,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Runs a command and kills it; whether it was still running. */
async function killed(args: readonly string[], afterMs: number): Promise<boolean> {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: 'ignore' });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await Promise.race([sleep(Math.min(afterMs, COMMAND_MS)), exited]);
  const running = child.exitCode === null && child.signalCode === null;
  child.kill('SIGKILL');
  await exited;
  return running;
}

const noise = (random: Random, length: number): Uint8Array => Uint8Array.from({ length }, () => random(256));
