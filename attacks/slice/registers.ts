import type { Attack } from '../attack.ts';
import { EXITS, openMachine, run, SBI_RESET } from '../bench/machine.ts';
import { onBench } from '../bench/on-bench.ts';
import { monitor, protocol } from '../bench/sources.ts';

const HARTS = monitor('harts.ts');
const DECODE = monitor('hypelet-calls/decode.ts');
const SECRET = 0x5ec0n;
/** x1 and pc of hart 0 in the machine's memory (hardware/layout.ts). */
const X0_AT = 0x1_0000;
const PC_AT = 0x1_0200;
const EVIL = 0xbad0_bad0_bad0_bad0n;

/** Every register that there is, at every exit that a slice is told of. */
export const REGISTERS_OF_EXITS: readonly Attack[] = EXITS.flatMap((exit): Attack[] => [
  onBench({
    attack: `S1 pc and registers are changed at an exit for ${exit.reason}`,
    from: 'slice',
    target: "its guest's registers",
    source: 'isolation.md S1 (Heckler, WeSee); Fidelius §4.2',
    check: 'the mask of the exit’s reason, on a copy of the registers',
    // What VMWRITE does where no mask and no shadow lie in between.
    edits: [
      [DECODE, 'exitMask(hart.reason).mayChange.includes(register)', 'true'],
      [
        DECODE,
        'void hart.shadow.set(register, call.value)',
        "new DataView(machine.memory).setBigUint64(register === 'pc' ? 0x10200 : 0x10000 + 8 * REGISTERS.indexOf(register), call.value, true)",
      ],
      [DECODE, '  type SliceCall,\n', '  REGISTERS,\n  type SliceCall,\n'],
    ],
    act(kit) {
      const machine = openMachine(kit);
      const state = new DataView(machine.memory);
      const values = (): bigint[] => [
        state.getBigUint64(PC_AT, true),
        ...Array.from({ length: 32 }, (_, i) => state.getBigUint64(X0_AT + 8 * i, true)),
      ];
      const before = values();
      machine.leave(exit);
      for (const register of kit.protocol.REGISTERS)
        machine.say({ kind: 'state.write', hart: 0, exit: 1, register, value: EVIL });
      machine.say(run({ exit: 1, registers: [EVIL, EVIL] }));
      machine.say(run({ exit: 1, sequence: 2n }));
      const changed = values().filter((value, i) => value !== before[i]).length;
      const completion = machine.completion();
      // What an SBI call returns is the slice's to say: a0 and a1.
      const given = completion !== undefined && exit.reason !== 'sbi' && (completion.error | completion.value) !== 0n;
      return { effect: changed > 0 || given, how: `${changed} of 33 registers changed` };
    },
  }),
  onBench({
    attack: `S1 every register is read at an exit for ${exit.reason}`,
    from: 'slice',
    target: "its guest's registers",
    source: 'isolation.md G3 (XSA-108, XSA-122), S1; Fidelius §4.2',
    check: exit.reason === 'sbi' ? 'an exit’s mask' : 'nothing is left of the exit before',
    edits:
      exit.reason === 'sbi'
        ? [
            [
              HARTS,
              'const values = valuesOf(exit);',
              "const values = valuesOf(exit); if (exit.reason === 'sbi') exit.arguments.forEach((value, i) => hart.shadow.set(('a' + i) as Register, value));",
            ],
            [
              protocol('hypelet-calls.ts'),
              "registers: { listOf: 'u64', upTo: 4 }",
              "registers: { listOf: 'u64', upTo: 8 }",
            ],
          ]
        : [[HARTS, 'hart.shadow.clear();', "hart.shadow.delete('a7');"]],
    act(kit) {
      const machine = openMachine(kit);
      // An earlier call had a secret as an argument, which its own exit exposed.
      machine.leave({ reason: 'sbi', extension: SBI_RESET, function: 0n, arguments: [SECRET | 9n, 0n] });
      machine.tell(run({ exit: 1 }));
      machine.completion();
      machine.leave(exit);
      for (const register of kit.protocol.REGISTERS)
        for (const hart of [0, 1, 7]) machine.say({ kind: 'state.read', hart, exit: 2, register });
      const values = machine
        .take()
        .flatMap((heard) =>
          heard.kind === 'state.value' ? [heard.value] : heard.kind === 'hart.exit' ? heard.registers : [],
        );
      const secrets = values.filter((value) => (value & ~0xfn) === SECRET);
      return { effect: secrets.length > 0, how: `${values.length} values seen, ${secrets.length} of them secret` };
    },
  }),
]);
