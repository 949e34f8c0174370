import { StoreLoss } from './store.ts';

/** An answer of a file system that takes longer is given up: a disk that spins up takes some ten seconds. */
const DEADLINE_MS = 30_000;
/**
 * A call into a file system that hangs cannot be taken back, and holds one of the four threads that Node has for all files
 * (libuv). With two at once in stores, the other two stay for what we keep ourselves.
 */
const AT_ONCE = 2;

let running = 0;
let late = 0;
const waiting: { start(): void; giveUp(): void }[] = [];

/** Calls that have not come back in time, of all stores. */
export const hungCalls = (): number => late;

/**
 * What `call` gives, if it does within its deadline.
 * @param discard what is done with what comes too late
 * @throws StoreLoss `timed-out`; at once, where calls that hang leave no room
 */
export async function withinDeadline<T>(
  call: () => Promise<T>,
  ms = DEADLINE_MS,
  discard: (value: T) => void = () => undefined,
): Promise<T> {
  if (running >= AT_ONCE) await turn();
  else running += 1;
  return new Promise<T>((resolve, reject) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      late += 1;
      reject(new StoreLoss('timed-out', `The file system does not answer within ${ms / 1000} s`));
      if (late >= AT_ONCE) for (const { giveUp } of waiting.splice(0)) giveUp();
    }, ms);
    void call()
      .then((value) => (isLate ? discard(value) : resolve(value)), reject)
      .finally(() => {
        clearTimeout(timer);
        if (isLate) late -= 1;
        const next = waiting.shift();
        if (next === undefined) running -= 1;
        else next.start();
      });
  });
}

/** Waits for one of the calls to end, and has its place. */
function turn(): Promise<void> {
  const hung = (): StoreLoss => new StoreLoss('timed-out', 'The file system has not answered before');
  if (late >= AT_ONCE) return Promise.reject(hung());
  return new Promise((resolve, reject) => waiting.push({ start: resolve, giveUp: () => reject(hung()) }));
}
