import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VirtualMachineConfig } from '../../packages/host/launcher/src/index.ts';
import { tinyKernel } from '../../packages/host/launcher/src/testing/tiny-kernel.ts';
import type { Attack, Outcome } from '../attack.ts';
import type { Edit } from '../build.ts';
import { type World, worldWithout } from './world.ts';

export interface ProcessAttack extends Pick<Attack, 'attack' | 'from' | 'target' | 'source'> {
  readonly check: string;
  readonly edits: readonly Edit[];
  readonly tamper?: (folder: string) => void;
  act(world: World): Promise<Outcome>;
}

/** An attack on real compartments in their real sandboxes; its control on ones that were built without the check. */
export const inProcesses = ({ act, tamper, ...named }: ProcessAttack): Attack => ({
  ...named,
  level: 'full',
  run: async () => act(await worldWithout([], tamper)),
  control: async () => act(await worldWithout(named.edits, tamper)),
});

export const MACHINE: VirtualMachineConfig = { memoryBytes: 64 << 20, kernel: tinyKernel('loop'), commandLine: '' };

/** Starts a victim for as long as `use` takes. */
export async function withVictim<T>(
  world: World,
  config: Partial<VirtualMachineConfig>,
  use: (victim: Awaited<ReturnType<World['startVirtualMachine']>>) => Promise<T>,
): Promise<T> {
  const victim = await world.startVirtualMachine({ ...MACHINE, ...config });
  try {
    return await use(victim);
  } finally {
    victim.kill();
    await victim.ended;
  }
}

export const isAlive = async (world: World, id: string): Promise<boolean> =>
  (await world.listMachines()).some(({ vm }) => vm === id);

/** Whether it becomes true before the time is over, in milliseconds. */
export async function becomes(milliseconds: number, test: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + milliseconds; Date.now() < end; await sleep(50)) if (await test()) return true;
  return false;
}

export async function partOf(world: World, vm: string, kind: string) {
  return (await world.inspectMachine(vm)).compartments.find((part) => part.kind === kind);
}

const SILENCE_MS = 20_000;

/** Starts a VM whose slice is the attacker's: what the slice said in the end. */
export async function hostileSlice(
  world: World,
  slice: string,
  config: Partial<VirtualMachineConfig> = {},
  more: { readonly retired?: (count: number) => void } = {},
): Promise<string> {
  const id = randomBytes(4).toString('hex');
  // Whoever waits for a slice that says nothing waits for ever.
  const clock = setTimeout(() => void world.tellMachine(id, 'kill').catch(() => undefined), SILENCE_MS);
  try {
    const vm = await world.startVirtualMachine({ ...MACHINE, ...config }, { id, ...more, builds: { slice } });
    const end = await Promise.race([vm.ended, sleep(1500)]);
    vm.kill();
    await vm.ended;
    return end === undefined ? 'it runs' : end.kind === 'failed' ? end.reason : end.kind;
  } catch (error) {
    return (error as Error).message;
  } finally {
    clearTimeout(clock);
  }
}
