import { type Channel, fromScheduler, type Grant, toScheduler } from '@cloister/protocol';

/** Where the budgets of `hart.run` come from. */
export interface Grants {
  /** Hands over a grant, at once when one is there. */
  next(use: (grant: Grant) => void): void;
}

/** Without a scheduler a hart may run as long as a budget can say. */
export const UNMETERED: Grants = {
  next: (use) => use({ microseconds: 0xffff_ffff, sequence: 0n, mac: new Uint8Array(0) }),
};

/**
 * The scheduler's grants, always one ahead: a hart whose budget is used up waits for the scheduler only when it has had
 * its share.
 */
export function scheduled(channel: Channel): Grants {
  let spare: Grant | undefined;
  let asked = false;
  const waiting: ((grant: Grant) => void)[] = [];
  const ask = (): void => {
    if (asked) return;
    asked = true;
    channel.send(toScheduler.encode({ kind: 'run.ask' }));
  };
  channel.listen({
    frame(frame) {
      const message = fromScheduler.decode(frame);
      if (message === undefined) return;
      asked = false;
      const { microseconds, sequence } = message;
      const grant = { microseconds, sequence, mac: message.mac.slice() };
      const use = waiting.shift();
      if (use === undefined) spare = grant;
      else {
        use(grant);
        ask();
      }
    },
    renewed() {
      asked = false;
      if (spare === undefined) ask();
    },
  });
  return {
    next(use) {
      if (spare === undefined) waiting.push(use);
      else {
        const grant = spare;
        spare = undefined;
        use(grant);
      }
      ask();
    },
  };
}
