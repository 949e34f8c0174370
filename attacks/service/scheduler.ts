import type { Channel, ChannelListener } from '@cloister/protocol';
import { benchAttacks, type Kit } from '../bench/on-bench.ts';
import { scheduler } from '../bench/sources.ts';

const MAIN = scheduler('main.ts');

const COMMON = { from: 'slice', target: 'other VMs’ share of the CPUs', source: 'issue 5 §7' };

/** The scheduler of two VMs on one CPU, and time in our hand. */
function schedule(kit: Kit, cpus: number) {
  let now = 1_000_000;
  let timers: { at: number; then: () => void }[] = [];
  const granted = [0, 0];
  const listeners: ChannelListener[] = [];
  const closed: string[] = [];
  const channels = [0, 1].map(
    (vm): Channel => ({
      send: (frame) => {
        granted[vm]! += kit.protocol.fromScheduler.decode(frame)!.microseconds;
      },
      queuedBytes: 0,
      closed: undefined,
      listen: (next) => void (listeners[vm] = next),
      close: (reason) => void closed.push(reason),
    }),
  );
  const machines = channels.map(() => ({ key: Buffer.alloc(32, 3).toString('base64'), cpus, weight: 1 }));
  kit.scheduler.start(
    channels,
    { cpus: 1, machines },
    { now: () => now, after: (ms, then) => void timers.push({ at: now + ms, then }) },
  );
  const ask = kit.protocol.toScheduler.encode({ kind: 'run.ask' });
  return {
    granted,
    closed,
    say: (vm: number, frame: Uint8Array) => listeners[vm]!.frame(frame),
    ask: (vm: number) => listeners[vm]!.frame(ask),
    pass(ms: number) {
      now += ms;
      const due = timers.filter(({ at }) => at <= now);
      timers = timers.filter(({ at }) => at > now);
      for (const { then } of due) then();
    },
  };
}

/** A slice that wants more than its VM's share. */
export const SCHEDULER = benchAttacks(COMMON, [
  {
    attack: 'B1 a slice that asks for time without end',
    check: 'a grant comes no earlier than a period after the last',
    edits: [[MAIN, 'if (wait <= 0) grant(machine);', 'if (true) grant(machine);']],
    act(kit) {
      const { granted, ask, pass } = schedule(kit, 0.5);
      for (let i = 0; i < 1000; i += 1) {
        ask(0);
        pass(1);
      }
      return { effect: granted[0]! > 600_000, how: `${granted[0]} µs of a second for half a CPU` };
    },
  },
  {
    attack: 'B1 a slice that asks a thousand times before the grant comes',
    check: 'one grant is on its way',
    edits: [[MAIN, 'if (pending[machine]) return held;', '']],
    act(kit) {
      const { granted, ask, pass } = schedule(kit, 0.5);
      for (let i = 0; i < 1000; i += 1) {
        ask(0);
        ask(0);
        pass(1);
      }
      return { effect: granted[0]! > 600_000, how: `${granted[0]} µs of a second for half a CPU` };
    },
  },
  {
    attack: 'B1 a slice that claims all CPUs from its neighbour',
    check: 'shares are by weight among those who ask',
    edits: [
      [
        scheduler('shares.ts'),
        'for (const i of open) shares[i] = (left * claims[i]!.weight) / weights;',
        'for (const i of open) shares[i] = left;',
      ],
    ],
    act(kit) {
      const { granted, ask, pass } = schedule(kit, 64);
      for (let i = 0; i < 100; i += 1) {
        ask(0);
        ask(1);
        pass(10);
      }
      const sum = granted[0]! + granted[1]!;
      return { effect: sum > 1_400_000, how: `${sum} µs were granted of a second of one CPU` };
    },
  },
  {
    attack: 'B1 nonsense to the scheduler, to end it for all',
    check: 'what is no message closes the channel that it came from',
    edits: [
      [
        MAIN,
        "if (toScheduler.decode(frame) === undefined) {\n          channel.close('A malformed message to the scheduler');\n          return undefined;\n        }",
        "if (toScheduler.decode(frame)!.kind !== 'run.ask') return undefined;",
      ],
    ],
    act(kit) {
      const { granted, say, ask } = schedule(kit, 1);
      let died = '';
      try {
        say(0, Uint8Array.of(1, 2, 3));
        ask(1);
      } catch (error) {
        died = (error as Error).message;
      }
      return { effect: died !== '' || granted[1] === 0, how: died || `its neighbour got ${granted[1]} µs` };
    },
  },
]);
