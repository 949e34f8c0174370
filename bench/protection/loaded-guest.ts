import { fork } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LoadBed } from './load-bed.ts';

export type Form = 'compartments' | 'monolithic';

/** What the guest does: a mode of `guest/disk-load.c`. */
export interface LoadStep {
  readonly mode: 'compute' | 'read' | 'write' | 'random';
  /** Requests under way at once, and the bytes of each. */
  readonly depth?: number;
  readonly unit?: number;
  /** In rounds, bytes or, of random ones, requests. */
  readonly amount: number;
}

export interface StepSample {
  /** By the guest's clock. */
  readonly seconds: number;
  /** Of all processes of the VM and its client. */
  readonly cpuSeconds: number;
  readonly cpuOf: Readonly<Record<string, number>>;
  /** Private bytes of each compartment, the guest's memory apart; after the boot and at the end once the guest has waited for a while. */
  readonly memory: Readonly<Record<string, number>>;
}

export interface LoadWish {
  readonly form: Form;
  readonly program: string;
  readonly disk: string;
  /** In this order, `rounds` times. */
  readonly steps: readonly LoadStep[];
  readonly rounds: number;
}

/** A guest that waits between its steps. */
export interface LoadedGuest {
  /** Until the guest's first line. */
  readonly boot: StepSample;
  /** Lets the guest take its next step. @throws Error if it ends instead */
  next(): Promise<StepSample>;
  end(): Promise<void>;
}

const DEADLINE_MS = 600_000;

/** Boots busybox in one form, from a process of its own: what another run has compiled is not this one's. */
export async function startLoadedGuest(
  form: Form,
  { program, disk }: LoadBed,
  steps: readonly LoadStep[],
  rounds: number,
): Promise<LoadedGuest> {
  const wish: LoadWish = { form, program, disk, steps, rounds };
  const entry = join(dirname(fileURLToPath(import.meta.url)), 'loaded-guest.js');
  const child = fork(entry, [JSON.stringify(wish)], { serialization: 'json' });
  const clock = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  const ended = once(child, 'exit').finally(() => clearTimeout(clock));
  const sample = async (): Promise<StepSample> => {
    const [value] = await Promise.race([
      once(child, 'message'),
      ended.then(([code, signal]) => {
        throw new Error(`The guest's process ended with ${signal ?? code}`);
      }),
    ]);
    return value as StepSample;
  };
  return {
    boot: await sample(),
    next() {
      child.send('next');
      return sample();
    },
    async end() {
      child.send('next');
      const [code, signal] = await ended;
      if (code !== 0) throw new Error(`The guest's process ended with ${signal ?? code}`);
    },
  };
}
