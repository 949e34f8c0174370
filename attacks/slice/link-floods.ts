import type { Channel } from '@cloister/protocol';
import type { Outcome } from '../attack.ts';
import { benchAttacks, type Kit } from '../bench/on-bench.ts';
import { monitor, scheduler, storage } from '../bench/sources.ts';

const COMMON = { from: 'slice', source: 'issue 5 §7 (messages), judged point 2' };
const CHECK = 'credit returns no faster than the link’s budget';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** A clock that stands still: what is taken meanwhile is more than any budget has, beyond its burst. */
const still = { now: () => 1000, pause: () => new Promise<void>(() => undefined) };

/** How many of a flood of messages the far end takes in no time. */
async function flood(
  kit: Kit,
  messages: number,
  message: Uint8Array,
  listen: (channel: Channel) => void,
): Promise<Outcome> {
  const [mine, theirs] = kit.memoryChannel();
  mine.listen({ frame: () => undefined });
  listen(theirs);
  for (let i = 1; i <= messages; i += 1) {
    mine.send(message.slice());
    // So many at once are no offence to storage.
    if (i % 500 === 0) await turn();
  }
  for (let before = -1; before !== mine.queuedBytes; ) {
    before = mine.queuedBytes;
    for (let i = 0; i < 3; i += 1) await turn();
  }
  const effect = mine.queuedBytes === 0 && mine.closed === undefined;
  return { effect, how: `${effect ? 'all' : 'not all'} of ${messages} messages were taken in no time` };
}

/** A slice that sends as fast as it can, what is no offence by itself. */
export const LINK_FLOODS = benchAttacks({ ...COMMON, target: 'its machine’s time' }, [
  {
    attack: 'S1 console input as fast as it can be sent',
    check: CHECK,
    edits: [[monitor('monitor.ts'), 'return heldToBudget(frame.length);', 'return undefined;']],
    act: (kit) =>
      flood(
        kit,
        40_000,
        kit.protocol.toMachine.encode({ kind: 'port.data', port: 0xffff, position: 0, bytes: new Uint8Array(1024) }),
        (channel) => void kit.monitorBench(kit.sharedMemory(64 * 4096), { channel, ...still }),
      ),
  },
  {
    attack: 'B1 requests to storage as fast as they can be sent',
    target: 'other VMs’ storage',
    check: CHECK,
    edits: [[storage('main.ts'), 'return heldToBudget(frame.length + (request?.length ?? 0));', 'return undefined;']],
    act: (kit) =>
      flood(
        kit,
        100_000,
        kit.protocol.toStorage.encode({
          ...({ kind: 'block.request', store: 0, at: 0, operation: 'write' } as const),
          ...{ offset: 0, length: 1024 },
        }),
        (channel) => void kit.storage.start(channel, { stores: [], area: -1 }, undefined, still),
      ),
  },
  {
    attack: 'B1 questions to the scheduler as fast as they can be sent',
    target: 'other VMs’ time',
    check: CHECK,
    edits: [[scheduler('main.ts'), 'const held = heldToBudget(frame.length);', 'const held = undefined;']],
    act: (kit) =>
      flood(kit, 100_000, kit.protocol.toScheduler.encode({ kind: 'run.ask' }), (channel) => {
        const machines = [{ key: Buffer.alloc(32).toString('base64'), cpus: 1, weight: 1 }];
        kit.scheduler.start([channel], { cpus: 1, machines }, { now: still.now, after: () => undefined });
      }),
  },
]);
