import { randomBytes } from 'node:crypto';
import { readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack } from '../attack.ts';
import { launcher, storage } from '../bench/sources.ts';
import { FOLDER } from '../build.ts';
import { hostileSlice, inProcesses, partOf, withVictim } from '../processes/in-processes.ts';
import { program } from '../processes/world.ts';

const CANARY = 'canary of another, 32 bytes long';
const disk = (name: string): string => {
  const path = join(FOLDER, `${name}-${randomBytes(4).toString('hex')}`);
  writeFileSync(path, Buffer.alloc(1 << 20, CANARY));
  return path;
};

/** The largest throw-away file that a process holds. */
function overlayBytes(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  const files = readdirSync(folder).filter((fd) => readlinkSync(join(folder, fd)).includes('cloister-overlay'));
  return Math.max(0, ...files.map((fd) => statSync(join(folder, fd)).size));
}

/** A slice process that asks the storage of all VMs for what is not its VM's. */
export const PROCESS_STORAGE: readonly Attack[] = [
  inProcesses({
    attack: 'B1 a slice process asks storage for another VM’s disk',
    from: 'slice',
    target: 'another VM’s disk',
    source: 'isolation.md B1; issue 5, judged point 2',
    check: 'a link has the stores of its own VM',
    edits: [
      [
        launcher('compartments/storage-process.ts'),
        'settings.stores[vm]!.map((store) => ({ ...store, descriptor: descriptor++ }))',
        '(descriptor += settings.stores[vm]!.length, settings.stores.flatMap((stores, of) => stores.map((store, i) => ({ ...store, descriptor: firstFile + settings.stores.slice(0, of).flat().length + of + i }))))',
      ],
    ],
    act: (world) =>
      withVictim(world, { disks: [{ path: disk('victim'), writes: 'direct' }] }, async () => {
        const answer = await hostileSlice(world, await program('ask-storage', { way: 'read' }));
        return { effect: answer.includes(CANARY), how: answer.slice(0, 100).replace(/[^\x20-\x7e]/g, '.') };
      }),
  }),
  inProcesses({
    attack: 'B1 a slice process fills the host’s disk through its overlay',
    from: 'slice',
    target: 'the host’s disk',
    source: 'issue 5, judged point 2',
    check: 'a request lies in its store',
    edits: [[storage('carry-out.ts'), 'offset + length > store.bytes || ', '']],
    act: (world) =>
      // A neighbour, so that storage lives on when the attacker is gone.
      withVictim(world, {}, async ({ id }) => {
        const slice = await program('ask-storage', { way: 'write', store: 2 });
        let bytes = 0;
        const look = setInterval(async () => {
          const pid = (await partOf(world, id, 'storage').catch(() => undefined))?.pid;
          try {
            bytes = Math.max(bytes, overlayBytes(pid!));
          } catch {
            // It is on its way to another set of VMs.
          }
        }, 10);
        const answer = await hostileSlice(world, slice, { disks: [{ path: disk('own'), writes: 'discard' }] });
        clearInterval(look);
        return {
          effect: bytes > 2 ** 21 || /^[1-9]/.test(answer),
          how: `the overlay had ${bytes} bytes; ${answer.slice(0, 60)}`,
        };
      }),
  }),
];
