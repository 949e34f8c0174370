import { END, openMachine, run, SBI_RESET } from '../bench/machine.ts';
import { benchAttacks } from '../bench/on-bench.ts';
import { monitor } from '../bench/sources.ts';

const DECODE = monitor('hypelet-calls/decode.ts');
const EVIL = 0xbadn;

const COMMON = { from: 'slice', target: "its guest's control flow", source: 'issue 5 §5; Nexen (entry and exit)' };

const call = { reason: 'sbi', extension: SBI_RESET, function: 0n, arguments: [1n, 2n] } as const;

/** Entry and exit have one order. */
export const CONTROL_FLOW = benchAttacks(COMMON, [
  {
    attack: 'S1 a hart is run a second time while it runs',
    check: 'one run at a time',
    edits: [[DECODE, "if (hart.phase === 'running') return", 'if (false) return']],
    act(kit) {
      const machine = openMachine(kit);
      for (const exit of [0, 1]) machine.say(run({ exit, registers: [EVIL, EVIL], sequence: 2n }));
      machine.say(run({ exit: 0, sequence: 3n }));
      const completion = machine.completion();
      return { effect: completion !== undefined, how: `completions of an exit that never was: ${completion ? 1 : 0}` };
    },
  },
  {
    attack: 'S1 a hart is started twice',
    check: 'one run at a time',
    edits: [[monitor('harts.ts'), "  hart.phase = 'running';\n  const { shadow", '  const { shadow']],
    act(kit) {
      const machine = openMachine(kit, { until: 'launched' });
      for (let i = 1; i < 4; i += 1) machine.say(run({ sequence: BigInt(i) }));
      return { effect: machine.started.length > 1, how: `${machine.started.length} threads for hart 0` };
    },
  },
  {
    attack: 'S1 a hart is run before its launch is finished',
    check: 'no run before the launch is finished',
    edits: [
      [
        DECODE,
        "if (launch.phase !== 'finished') return 'The launch is not finished';\n  if (hart.phase === 'running')",
        "if (hart.phase === 'running')",
      ],
    ],
    act(kit) {
      const machine = openMachine(kit, { until: 'begun', expectedDigest: new Uint8Array(32) });
      machine.say(run());
      return { effect: machine.started.length > 0, how: `${machine.started.length} threads for hart 0` };
    },
  },
  {
    attack: 'S1 a reply to the exit before answers the next',
    check: 'a run answers the exit that it names',
    edits: [[DECODE, 'if (call.exit !== (', 'if (false && call.exit !== (']],
    act(kit) {
      const machine = openMachine(kit);
      machine.leave(call);
      machine.say(run({ exit: 1, registers: [0n, 0n] }));
      machine.completion();
      machine.leave(call);
      for (const exit of [0, 1, 3, Number.MAX_SAFE_INTEGER]) machine.say(run({ exit, registers: [EVIL, EVIL] }));
      const completion = machine.completion();
      return { effect: completion?.error === EVIL, how: `a0 became ${completion?.error ?? 'nothing else'}` };
    },
  },
  {
    attack: 'S1 a register is written for the exit before',
    check: 'a write names the exit that waits',
    edits: [[DECODE, "if (hart.phase !== 'exited' || exit !== hart.exits)", "if (hart.phase !== 'exited')"]],
    act(kit) {
      const machine = openMachine(kit);
      machine.leave(call);
      machine.say(run({ exit: 1, registers: [0n, 0n] }));
      machine.completion();
      machine.leave(call);
      machine.say({ kind: 'state.write', hart: 0, exit: 1, register: 'a0', value: EVIL });
      machine.say(run({ exit: 2 }));
      const completion = machine.completion();
      return { effect: completion?.error === EVIL, how: `a0 became ${completion?.error}` };
    },
  },
  {
    attack: 'S1 a new hart is made while the guest runs',
    check: 'harts are created while the VM is launched',
    edits: [[DECODE, "if (machine.launch.phase !== 'begun') return", 'if (false) return']],
    act(kit) {
      const machine = openMachine(kit, { harts: 2 });
      machine.say({ kind: 'hart.init', hart: 1 });
      // A hart that exists can be read; one that does not is refused.
      const heard = machine.tell({ kind: 'csr.read', hart: 1, csr: 'instret' });
      const effect = heard.some(({ kind }) => kind === 'csr.value');
      return { effect, how: `hart 1 ${effect ? 'exists' : 'does not exist'}` };
    },
  },
  {
    attack: 'S1 the launch is begun anew under a running guest',
    target: "its guest's memory",
    check: 'a finished launch stays finished',
    edits: [[monitor('launch/decode.ts'), "if (launch.phase === 'finished') return", 'if (false) return']],
    act(kit) {
      const machine = openMachine(kit);
      machine.say({ kind: 'launch.start' });
      machine.say({ kind: 'launch.finish', ...END, pc: END.pc + 64 });
      const effect = (kit.hardware.frameFlags(machine.memory)[5]! & kit.hardware.FRAME.absent) !== 0;
      return { effect, how: `the guest's memory is ${effect ? 'gone' : 'there'}` };
    },
  },
]);
