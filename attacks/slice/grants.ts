import { createHmac } from 'node:crypto';
import type { Attack } from '../attack.ts';
import { openMachine, type Run, run } from '../bench/machine.ts';
import { type BenchAttack, type Kit, onBench } from '../bench/on-bench.ts';
import { monitor, protocol } from '../bench/sources.ts';

const DECODE = monitor('hypelet-calls/decode.ts');
const [OWN, OTHERS] = [new Uint8Array(32).fill(0x33), new Uint8Array(32).fill(0x44)];
const MS = 100_000;

type Variant = Pick<BenchAttack, 'attack' | 'check' | 'edits'> & {
  grants(kit: Kit): readonly Run[];
  /** Microseconds that the VM may have run on after all of them. */
  readonly share: number;
};
/** Which budget a hart gets from runs that the slice makes of the scheduler's grants. */
const grant = ({ grants, share, ...variant }: Variant): Attack =>
  onBench({
    ...variant,
    from: 'slice',
    target: 'other VMs’ share of the CPUs',
    source: 'issue 5 §7, judged point 2',
    act(kit) {
      const machine = openMachine(kit, { until: 'launched', grantKey: OWN });
      let exit = 0;
      let ran = 0;
      for (const one of grants(kit)) {
        machine.say({ ...one, exit });
        const budget = kit.hardware.budgetLeft(machine.board, 0);
        const entered = exit === 0 ? machine.started.length > 0 : machine.completion() !== undefined;
        if (!entered) continue;
        ran += Math.max(budget, 1);
        kit.hardware.spendBudget(machine.board, 0, budget);
        machine.leave({ reason: 'budget' });
        exit += 1;
      }
      return { effect: ran > share, how: `${ran} µs of running, ${share} were granted` };
    },
  });

const granted = (kit: Kit, key: Uint8Array, microseconds: number, sequence: bigint): Run => {
  const bytes = kit.protocol.grantBytes({ microseconds, sequence });
  return run({ microseconds, sequence, mac: createHmac('sha256', key).update(bytes).digest().subarray(0, 16) });
};

/** Running time that nobody granted. */
export const GRANTS: readonly Attack[] = [
  grant({
    attack: 'S1 a grant is forged',
    check: 'a grant has the scheduler’s code',
    edits: [[DECODE, '!isHmacSha256(', 'false && !isHmacSha256(']],
    grants: () => [run({ microseconds: 1000 * MS, mac: new Uint8Array(16) }), run({ microseconds: 1000 * MS })],
    share: 0,
  }),
  grant({
    attack: 'S1 a grant of another VM is used',
    check: 'a grant has the scheduler’s code',
    edits: [[DECODE, '!isHmacSha256(', 'false && !isHmacSha256(']],
    grants: (kit) => [granted(kit, OTHERS, MS, 1n)],
    share: 0,
  }),
  grant({
    attack: 'S1 a grant is used again and again',
    check: 'a grant is used once',
    edits: [[DECODE, 'call.sequence <= budget.sequence', 'false']],
    grants: (kit) => [1n, 2n, 1n, 2n, 2n].map((sequence) => granted(kit, OWN, MS, sequence)),
    share: 2 * MS,
  }),
  grant({
    attack: 'S1 a genuine grant is made longer',
    check: 'the code is over the time, too',
    edits: [[protocol('grant.ts'), 'view.setUint32(label.length, microseconds);', '']],
    grants: (kit) => [{ ...granted(kit, OWN, MS, 1n), microseconds: 100 * MS }],
    share: 0,
  }),
  grant({
    attack: 'S1 a hart is run without any budget',
    check: 'no run without a budget',
    edits: [[DECODE, 'if (budgetLeft(board, call.hart) === 0)', 'if (false)']],
    grants: () => Array.from({ length: 50 }, () => run({ microseconds: 0, sequence: 0n })),
    share: 0,
  }),
];
