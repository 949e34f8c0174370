import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { tinyKernel } from '../../packages/host/launcher/src/testing/tiny-kernel.ts';
import type { Attack, Outcome } from '../attack.ts';
import { slice } from '../bench/sources.ts';
import type { Edit } from '../build.ts';
import { program, worldWithout } from '../processes/world.ts';

const CANARY = 'canary in guest memory, 32 bytes';

/** What a program with two VMs says until a while after both have started, or until it is gone. */
async function twoMachines(
  edits: readonly Edit[],
  form: string,
  more: object,
): Promise<{ said: string[]; gone: boolean }> {
  const { folder, runtime } = await worldWithout(edits);
  const child = spawn(process.execPath, [join(folder, 'child.js'), JSON.stringify({ form, ...more })], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env.PATH, CLOISTER_RUNTIME_DIR: runtime },
  });
  const said: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => said.push(line));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (
    let waited = 0;
    waited < 100 && said.length === 0 && child.exitCode === null && child.signalCode === null;
    waited += 1
  )
    await sleep(100);
  await Promise.race([exited, sleep(1500)]);
  const gone = child.exitCode !== null || child.signalCode !== null;
  child.kill('SIGKILL');
  await exited;
  return { said, gone };
}

const outcome = (effect: boolean, { said }: { said: string[] }): Outcome => ({
  effect,
  how: said.join(' ').slice(0, 200) || 'nothing was said',
});

const breakOut = (
  named: Pick<Attack, 'attack' | 'from' | 'target' | 'source' | 'edits'>,
  act: (form: string) => Promise<Outcome>,
): Attack => ({
  ...named,
  check: 'compartments are processes (--monolithic: one process)',
  level: 'full',
  run: () => act('compartments'),
  control: () => act('monolithic'),
});

/** A slice that has its hands in the built-ins of its realm, and looks at what passes through them. */
const POLLUTED: readonly Edit[] = [
  [
    slice('slice.ts'),
    'export function start(channels: SliceChannels): void {',
    `export function start(channels: SliceChannels): void {
  const honest = Uint8Array.prototype.set;
  let ram: ArrayBufferLike | undefined;
  Uint8Array.prototype.set = function (...given) {
    if (this.buffer.byteLength > 2 ** 30) ram = this.buffer;
    honest.apply(this, given);
  };
  const look = () => {
    const found = ram === undefined ? '' : String.fromCharCode(...new Uint8Array(ram, 0x4020_0400, 32));
    channels.client.send(fromSlice.encode({ kind: 'run.end', end: 'failed', reason: 'found: ' + found }));
  };
  (globalThis as unknown as { setTimeout(then: () => void, ms: number): void }).setTimeout(look, 1000);`,
  ],
];

/** Broken parts that take others with them where all are one process. */
export const PROCESS_ESCAPE: readonly Attack[] = [
  breakOut(
    {
      attack: 'G3 a guest that ends the process that runs it',
      from: 'guest',
      target: 'another VM and its client',
      source: 'issue 5 §8; isolation.md F',
    },
    async (form) => {
      const hart = await program('suicidal-hart');
      const { said, gone } = await twoMachines([], form, { hart });
      const effect = gone || said.some((line) => line.includes('bystander'));
      return outcome(effect, { said: gone ? [...said, 'the client is gone'] : said });
    },
  ),
  breakOut(
    {
      attack: 'S2 a slice that changes the built-ins of its realm sees guest memory',
      from: 'slice',
      target: "its guest's memory",
      source: 'isolation.md S2 (prototype pollution)',
      edits: POLLUTED,
    },
    async (form) => {
      const kernel = tinyKernel('sleep');
      kernel.set(Buffer.from(CANARY), 1024);
      const result = await twoMachines(POLLUTED, form, { kernel: Buffer.from(kernel).toString('base64') });
      return outcome(
        result.said.some((line) => line.includes(CANARY)),
        result,
      );
    },
  ),
];
