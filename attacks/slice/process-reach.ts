import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tinyKernel } from '../../packages/host/launcher/src/testing/tiny-kernel.ts';
import type { Attack, Outcome } from '../attack.ts';
import { launcher } from '../bench/sources.ts';
import { FOLDER } from '../build.ts';
import { becomes, hostileSlice, inProcesses, isAlive, partOf, withVictim } from '../processes/in-processes.ts';
import { program, type World } from '../processes/world.ts';

const CANARY = 'canary of another, 32 bytes long';

const reach = (attack: string, target: string, act: (world: World) => Promise<Outcome>): Attack =>
  inProcesses({
    ...{ attack, from: 'slice', target, source: 'isolation.md S2; issue 5 §1, §3' },
    check: 'the sandbox',
    edits: [
      [
        launcher('client/make-recipes.ts'),
        'return { ...recipeOf(reached, {',
        "return { ...recipeOf(kind === 'slice' ? 'none' : reached, {",
      ],
    ],
    act,
  });

/** What the slice said, if it came so far. */
const said = (answer: string): string =>
  /^[A-Za-z0-9+/]+=*$/.test(answer) ? Buffer.from(answer, 'base64').toString('latin1') : answer;
let files = 0;
const newFile = (): string => join(FOLDER, `host-file-${(files += 1)}`);

/** A slice process that wants the host's files, other processes, other VMs. */
export const PROCESS_REACH: readonly Attack[] = [
  reach('S2 a slice process reads a file of its user', "the user's files", async (world) => {
    const path = newFile();
    writeFileSync(path, CANARY);
    const answer = await hostileSlice(world, await program('reach-out', { way: 'read', path }));
    const effect = said(answer).includes(CANARY);
    return { effect, how: effect ? 'it has the canary' : said(answer) };
  }),
  reach('S2 a slice process writes a file of its user', "the user's files", async (world) => {
    const path = newFile();
    const answer = await hostileSlice(world, await program('reach-out', { way: 'write', path }));
    return { effect: existsSync(path), how: existsSync(path) ? 'the file is there' : said(answer) };
  }),
  reach('S2 a slice process kills another VM with the token that lies on the disk', 'another VM', (world) =>
    withVictim(world, {}, async ({ id }) => {
      const socket = world.socketsHere().toolstack;
      const plan = { way: 'command', socket, vm: id, token: join(world.runtime, id, 'token') };
      const answer = await hostileSlice(world, await program('reach-out', plan));
      const effect = await becomes(500, async () => !(await isAlive(world, id)));
      return { effect, how: effect ? 'the other VM is gone' : said(answer) };
    }),
  ),
  reach('S2 a slice process kills the machine of another VM', 'another VM', (world) =>
    withVictim(world, {}, async ({ id }) => {
      const { pid } = (await partOf(world, id, 'machine'))!;
      const answer = await hostileSlice(world, await program('reach-out', { way: 'signal', pid }));
      const effect = await becomes(1000, async () => !(await isAlive(world, id)));
      return { effect, how: effect ? 'the other VM is gone' : said(answer) };
    }),
  ),
  reach('S2 a slice process reads the RAM of another VM', "another VM's memory", (world) => {
    const kernel = tinyKernel('sleep');
    kernel.set(Buffer.from(CANARY), 1024);
    return withVictim(world, { kernel }, async ({ id }) => {
      const { pid } = (await partOf(world, id, 'machine'))!;
      const answer = await hostileSlice(world, await program('reach-out', { way: 'memory', pid }));
      const effect = said(answer).includes(CANARY);
      return { effect, how: effect ? 'it has the canary' : said(answer).slice(0, 200) };
    });
  }),
];
