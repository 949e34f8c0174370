import type { Compartment } from './compartment.ts';

/** A crash-only part: whenever its process ends another one is started, until it is not wanted any more. */
export interface Kept<C extends Compartment> {
  readonly current: C | undefined;
  /** How often another one took the place of one that died by itself. */
  readonly restarts: number;
  /** Ends the process, so that another is started, as after a crash. */
  restart(): void;
  /** Ends it for good. */
  stop(): Promise<void>;
}

/** So many that die before they have said anything, one after the other, or so many deaths in a while, are too many. */
const STILLBORN_MAX = 5;
const DEATHS_MAX = 80;
const WHILE_MS = 10_000;

/**
 * @param start starts the process, or returns undefined while there is nothing for it to do; then `restart` asks again
 * @param gaveUp called once, when it will not be started any more
 */
export function keepRunning<C extends Compartment>(
  start: () => C | undefined,
  gaveUp: (reason: string) => void,
): Kept<C> {
  let current: C | undefined;
  let restarts = 0;
  let stopped = false;
  let wanted = false;
  let wake: (() => void) | undefined;
  const life = async (): Promise<void> => {
    let stillborn = 0;
    let deaths: number[] = [];
    while (!stopped) {
      current = start();
      if (current === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const how = await current.ended;
      if (stopped) break;
      if (wanted) {
        wanted = false;
        continue;
      }
      stillborn = current.status() === undefined ? stillborn + 1 : 0;
      const now = Date.now();
      deaths = [...deaths.filter((at) => now - at < WHILE_MS), now];
      if (stillborn >= STILLBORN_MAX || deaths.length > DEATHS_MAX) {
        gaveUp(how);
        break;
      }
      restarts += 1;
    }
    current = undefined;
  };
  // A start that throws ends its VM, not the launcher.
  const lived = life().catch((error: unknown) => gaveUp(String(error)));
  const end = (): void => {
    current?.kill();
    wake?.();
  };
  return {
    get current() {
      return current;
    },
    get restarts() {
      return restarts;
    },
    restart() {
      wanted = current !== undefined;
      end();
    },
    async stop() {
      stopped = true;
      end();
      await lived;
    },
  };
}
