import { createHmac } from 'node:crypto';
import {
  BUDGETS,
  type Channel,
  fromScheduler,
  GRANT_MAC_BYTES,
  grantBytes,
  throttle,
  toScheduler,
} from '@cloister/protocol';
import { divide } from './shares.ts';

/** One VM's claim, and the key under which its machine knows a grant (32 bytes in base64). */
export interface MachineClaim {
  readonly key: string;
  readonly cpus: number;
  readonly weight: number;
}

export interface SchedulerSettings {
  /** CPUs of the host. */
  readonly cpus: number;
  /** By link; null for a spare one, which no VM has yet. */
  readonly machines: readonly (MachineClaim | null)[];
}

export interface Scheduler {
  /** A VM takes a spare link, or says again what it is. */
  claim(machine: number, claim: MachineClaim): void;
}

/** A grant is for so long at a full CPU, and the next one comes no earlier than so long after the time that it was due. */
export const PERIOD_MS = 100;
/** A VM that has not asked for so long leaves its share to the others. */
const IDLE_MS = 3 * PERIOD_MS;

export interface Clock {
  /** Milliseconds since 1970: grants of a restarted scheduler must follow those of the one before. */
  now(): number;
  after(milliseconds: number, then: () => void): void;
}

const hostClock: Clock = { now: () => Date.now(), after: (milliseconds, then) => void setTimeout(then, milliseconds) };

/** Serves one channel for each VM of the settings, in their order. */
export function start(
  channels: readonly Channel[],
  { cpus, machines }: SchedulerSettings,
  clock = hostClock,
): Scheduler {
  const claims = [...machines];
  const asked = machines.map(() => Number.NEGATIVE_INFINITY);
  const nextAt = machines.map(() => 0);
  const pending = machines.map(() => false);
  const sequence = machines.map(() => 0n);

  const share = (machine: number): number => {
    const since = clock.now() - IDLE_MS;
    const active = machines.map((_, i) => i).filter((i) => i === machine || pending[i] || asked[i]! > since);
    return divide(
      cpus,
      active.map((i) => claims[i]!),
    )[active.indexOf(machine)]!;
  };
  const grant = (machine: number): void => {
    pending[machine] = false;
    const now = clock.now();
    // A timer that is late by a millisecond in each period would take 1 % of a hart that runs all the time.
    const due = now - nextAt[machine]! < PERIOD_MS ? nextAt[machine]! : now;
    nextAt[machine] = due + PERIOD_MS;
    // Microseconds since 1970, so that no restart repeats one.
    const fromClock = BigInt(Math.floor(now)) * 1000n;
    sequence[machine] = fromClock > sequence[machine]! ? fromClock : sequence[machine]! + 1n;
    const microseconds = Math.max(1000, Math.floor(share(machine) * PERIOD_MS * 1000));
    const what = { microseconds, sequence: sequence[machine]! };
    const mac = createHmac('sha256', Buffer.from(claims[machine]!.key, 'base64')).update(grantBytes(what)).digest();
    channels[machine]!.send(
      fromScheduler.encode({ kind: 'run.grant', ...what, mac: mac.subarray(0, GRANT_MAC_BYTES) }),
    );
  };
  machines.forEach((_, machine) => {
    const channel = channels[machine]!;
    const heldToBudget = throttle(BUDGETS.sliceToScheduler, {
      now: clock.now,
      pause: (milliseconds) => new Promise((resolve) => clock.after(milliseconds, resolve)),
    });
    channel.listen({
      frame(frame) {
        if (toScheduler.decode(frame) === undefined) {
          channel.close('A malformed message to the scheduler');
          return undefined;
        }
        // Nobody is at a spare link's far end.
        if (claims[machine] === null) return undefined;
        asked[machine] = clock.now();
        const held = heldToBudget(frame.length);
        if (pending[machine]) return held;
        pending[machine] = true;
        const wait = nextAt[machine]! - clock.now();
        if (wait <= 0) grant(machine);
        else clock.after(wait, () => grant(machine));
        return held;
      },
    });
  });
  return {
    claim(machine, claim) {
      if (machine < claims.length) claims[machine] = claim;
    },
  };
}
