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

/** So many grants ahead carry a hart over a restart of the scheduler, and are no more of a burst than others stand. */
const SPARE_MAX = 3;

/** The scheduler's grants, some ahead: a hart whose budget is used up waits for the scheduler only when it has had its share. */
export function scheduled(channel: Channel): Grants {
  const spare: Grant[] = [];
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
      if (use === undefined) spare.push(grant);
      else use(grant);
      if (spare.length < SPARE_MAX) ask();
    },
    renewed() {
      asked = false;
      if (spare.length < SPARE_MAX) ask();
    },
  });
  return {
    next(use) {
      const grant = spare.shift();
      if (grant === undefined) waiting.push(use);
      else use(grant);
      ask();
    },
  };
}
