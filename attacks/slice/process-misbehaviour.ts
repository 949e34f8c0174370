import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack, Outcome } from '../attack.ts';
import { launcher } from '../bench/sources.ts';
import { becomes, inProcesses, isAlive, MACHINE, type ProcessAttack, partOf } from '../processes/in-processes.ts';
import { program, type World } from '../processes/world.ts';

const misbehaviour = (
  variant: Pick<ProcessAttack, 'attack' | 'check' | 'edits' | 'target'>,
  way: string,
  look: (world: World, vm: string) => Promise<Outcome>,
): Attack =>
  inProcesses({
    ...{ from: 'slice', source: 'issue 5 §8, judged point 2', ...variant },
    async act(world) {
      const id = randomBytes(4).toString('hex');
      const slice = await program('misbehave', { way });
      const started = world.startVirtualMachine(MACHINE, { id, builds: { slice } }).then(
        (vm) => vm,
        () => undefined,
      );
      await becomes(5000, () => isAlive(world, id));
      try {
        return await look(world, id);
      } finally {
        await world.tellMachine(id, 'kill').catch(() => undefined);
        await started;
      }
    },
  });

const size = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Restarts beyond `most`, or none any more because the VM was ended. */
const restarts = async (world: World, vm: string, most: number): Promise<Outcome> => {
  let seen = 0;
  const over = await becomes(30_000, async () => {
    if (!(await isAlive(world, vm))) return true;
    seen = (await partOf(world, vm, 'slice').catch(() => undefined))?.restarts ?? seen;
    return seen > most;
  });
  return {
    effect: seen > most || !over,
    how: `${seen} restarts seen, the VM ${seen > most ? 'goes on' : 'was ended'}`,
  };
};

const BOOT_MS = 1500;

/** A slice process that dies, hangs, complains, babbles and idles. */
export const PROCESS_MISBEHAVIOUR: readonly Attack[] = [
  inProcesses({
    ...{ from: 'slice', source: 'issue 5 §8, judged point 2' },
    attack: 'S1 a slice process that lives and never boots its guest',
    target: 'its VM’s owner',
    check: 'a slice has so long to boot its guest',
    edits: [
      [launcher('compartments/machine.ts'), 'Math.min(config.bootMs ?? BOOT_MS, TIMER_MS_MAX);', 'TIMER_MS_MAX;'],
    ],
    async act(world) {
      const id = randomBytes(4).toString('hex');
      const slice = await program('misbehave', { way: 'idle' });
      let said: string | undefined;
      const started = world
        .startVirtualMachine(MACHINE, { id, bootMs: BOOT_MS, builds: { slice } })
        .catch((error: Error) => void (said = error.message));
      const over = await becomes(BOOT_MS + 4000, () => said !== undefined);
      if (!over) await world.tellMachine(id, 'kill').catch(() => undefined);
      await started;
      return { effect: !over, how: over ? said! : 'its owner waits' };
    },
  }),
  misbehaviour(
    {
      attack: 'S1 a slice process that dies at once, again and again',
      target: 'the host’s time',
      check: 'what cannot live is given up',
      edits: [[launcher('privileged/keep-running.ts'), 'const STILLBORN_MAX = 5;', 'const STILLBORN_MAX = 5000;']],
    },
    'die',
    (world, vm) => restarts(world, vm, 12),
  ),
  misbehaviour(
    {
      attack: 'S1 a slice process that speaks nonsense, again and again',
      target: 'the host’s time',
      check: 'a VM ends after so many complaints',
      edits: [[launcher('privileged/virtual-machine.ts'), 'if (complaints > COMPLAINTS_MAX)', 'if (false)']],
    },
    'nonsense',
    (world, vm) => restarts(world, vm, 14),
  ),
  misbehaviour(
    {
      attack: 'S1 a slice process that hangs for ever',
      target: 'its VM',
      check: 'a compartment without a sign of life is replaced',
      edits: [[launcher('privileged/spawn.ts'), 'deadlineMs: DEADLINE_MS,', 'deadlineMs: 2 ** 31 - 1,']],
    },
    'hang',
    async (world, vm) => {
      const pid = (await partOf(world, vm, 'slice'))?.pid;
      const replaced = await becomes(15_000, async () => (await partOf(world, vm, 'slice'))?.pid !== pid);
      return { effect: !replaced, how: `the hanging process was ${replaced ? '' : 'not '}replaced` };
    },
  ),
  misbehaviour(
    {
      attack: 'S1 a slice process that fills the host’s disk with its log',
      target: 'the host’s disk',
      check: 'a log has a maximum',
      edits: [
        [launcher('privileged/compartment.ts'), 'const LOG_BYTES_MAX = 256 * 1024;', 'const LOG_BYTES_MAX = 2 ** 40;'],
      ],
    },
    'log',
    async (world, vm) => {
      const log = join(world.runtime, vm, 'log');
      const large = await becomes(2000, () => size(log) > 2 ** 20);
      return { effect: large, how: `the log has ${size(log)} bytes` };
    },
  ),
  misbehaviour(
    {
      attack: 'S1 a slice process that writes escape sequences for its operator’s terminal',
      target: 'its operator',
      check: 'a log has printable characters',
      edits: [[launcher('privileged/launcher.ts'), ".replace(/[^\\x20-\\x7e\\n]+/g, ' ')", '']],
    },
    'log',
    async (world, vm) => {
      const log = join(world.runtime, vm, 'log');
      await becomes(2000, () => size(log) > 4096);
      const effect = readFileSync(log).includes(0x1b);
      return { effect, how: `escape sequences are ${effect ? '' : 'not '}in the log of ${size(log)} bytes` };
    },
  ),
];
