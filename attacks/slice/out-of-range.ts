import { FRAMES, frameMap, openMachine, RAM, run } from '../bench/machine.ts';
import { benchAttacks, type Kit } from '../bench/on-bench.ts';
import { monitor, protocol } from '../bench/sources.ts';

const DECODE = monitor('hypelet-calls/decode.ts');

const COMMON = { from: 'slice', target: 'its machine', source: 'issue 5, judged point 2; XSA-212 (G3)' };

/** Says each; the machine dies if one throws past its decoder. */
function deaths(kit: Kit, until: 'begun' | 'running', messages: (kit: Kit) => readonly Parameters<Sayer>[0][]) {
  const machine = openMachine(kit, { until, devices: [{ kind: 'rng' }], harts: 1 });
  let died = '';
  for (const message of messages(kit))
    try {
      machine.say(message);
    } catch (error) {
      died ||= `${message.kind}: ${(error as Error).message}`;
    }
  return { machine, died };
}
type Sayer = ReturnType<typeof openMachine>['say'];

/** Arguments out of every range that they have. */
export const OUT_OF_RANGE = benchAttacks(COMMON, [
  {
    attack: 'S1 state, csr, run and fence of harts that are not there',
    check: 'the machine has the hart',
    edits: [[DECODE, 'if (hart === undefined) return', 'if ((hart as unknown) === null) return']],
    act(kit) {
      const { died } = deaths(kit, 'running', ({ protocol: { REGISTERS, VIRTUAL_CSR_NAMES } }) =>
        [1, 2, 7].flatMap((hart) => [
          ...REGISTERS.flatMap((register) => [
            { kind: 'state.read', hart, exit: 0, register } as const,
            { kind: 'state.write', hart, exit: 0, register, value: 1n } as const,
          ]),
          ...VIRTUAL_CSR_NAMES.flatMap((csr) => [
            { kind: 'csr.read', hart, csr } as const,
            { kind: 'csr.write', hart, csr, value: 16n } as const,
          ]),
          run({ hart }),
          { kind: 'fence.vma', hart } as const,
          { kind: 'hart.init', hart } as const,
        ]),
      );
      return { effect: died !== '', how: died || 'all refused, the machine lives' };
    },
  },
  {
    attack: 'S1 frames beyond RAM are taken',
    check: 'a frame lies in RAM',
    edits: [
      [DECODE, "if (frame >= pit.states.length) return 'The frame lies outside RAM';", ''],
      [DECODE, "if (state !== 'present') return", 'if (false) return'],
    ],
    act(kit) {
      const { died } = deaths(kit, 'running', () => {
        const beyond = [FRAMES, FRAMES + 1, 786_431];
        return beyond.flatMap((frame) => [
          frameMap('take', frame),
          frameMap('zero', frame),
          frameMap('restore', frame, new Uint8Array(4112)),
        ]);
      });
      const { machine } = deaths(kit, 'begun', () => [
        { kind: 'launch.finish', pc: RAM, deviceTree: RAM, rngSeed: 0, firmwareInfo: 0 },
      ]);
      const heard = machine.tell(frameMap('take', FRAMES));
      const left = heard.filter((message) => message.kind === 'frame.mapped').length;
      return { effect: died !== '' || left > 0, how: died || `${left} frames beyond RAM left` };
    },
  },
  {
    attack: 'S1 a count of frames runs past the end of RAM',
    check: 'all of the frames exist',
    edits: [
      [monitor('tables/pit.ts'), 'if (frame + count > states.length) return false;', ''],
      [
        monitor('tables/pit.ts'),
        'if (states[at] !== absent) return false;',
        'if ((states[at] ?? absent) !== absent) return false;',
      ],
    ],
    act(kit) {
      const { machine } = deaths(kit, 'begun', () => [{ kind: 'launch.start' }]);
      const flags = kit.hardware.frameFlags(machine.memory);
      flags[FRAMES] = kit.hardware.FRAME.absent;
      const heard = [
        ...machine.tell(frameMap('zero', FRAMES - 1, undefined, 2)),
        ...machine.tell(frameMap('zero', FRAMES, undefined, 786_432 - FRAMES)),
      ];
      const effect = (flags[FRAMES]! & kit.hardware.FRAME.absent) === 0;
      return {
        effect,
        how: `the frame behind RAM is ${effect ? 'given' : 'not given'}, answers: ${heard.map(({ kind }) => kind).join(' ')}`,
      };
    },
  },
  {
    attack: 'S1 a launch places bytes outside RAM',
    check: 'an update lies in the VM’s frames',
    edits: [
      [
        monitor('launch/decode.ts'),
        'if (!inRam(machine.gate.memory, address, bytes.length)) return',
        'if (false) return',
      ],
    ],
    act(kit) {
      const { died } = deaths(kit, 'begun', () =>
        [0, RAM - 1, RAM - 4096, RAM + FRAMES * 4096 - 1, RAM + FRAMES * 4096, 2 ** 53 - 1].map(
          (address) =>
            ({
              ...{ kind: 'launch.update', address, bytes: new Uint8Array(64) },
            }) as const,
        ),
      );
      return { effect: died !== '', how: died || 'all refused, the machine lives' };
    },
  },
  {
    attack: 'S1 a launch starts the guest outside its RAM',
    check: 'the entry lies in the VM’s frames',
    edits: [[monitor('launch/decode.ts'), 'if (!inRam(memory, pc, 4) || pc % 4 !== 0)', 'if (false)']],
    act(kit) {
      const started: number[] = [];
      for (const pc of [0, 0x10_0000, RAM - 4, RAM + FRAMES * 4096, 2 ** 53 - 1]) {
        const { machine } = deaths(kit, 'begun', () => [
          { kind: 'launch.finish', pc, deviceTree: RAM, rngSeed: 0, firmwareInfo: 0 },
          run(),
        ]);
        started.push(...machine.started.map((end) => end.pc));
      }
      return { effect: started.length > 0, how: `started at: ${started.join(', ') || 'none'}` };
    },
  },
  {
    attack: 'S1 registers, csrs and operations that no table has',
    check: 'a field’s value is one of its table',
    edits: [
      [
        protocol('message.ts'),
        'return choice === undefined ? undefined : field.oneOf[choice];',
        'return choice === undefined ? undefined : (field.oneOf[choice] ?? field.oneOf[0]);',
      ],
    ],
    act(kit) {
      const machine = openMachine(kit);
      const encoded = [
        kit.protocol.toMachine.encode({ kind: 'csr.read', hart: 0, csr: 'budget' }),
        kit.protocol.toMachine.encode({ kind: 'csr.write', hart: 0, csr: 'hgeip', value: 16n }),
        kit.protocol.toMachine.encode(frameMap('take', 1)),
      ];
      let answers = 0;
      for (const bytes of encoded)
        for (let at = 1; at < 4; at += 1)
          for (const value of [3, 77, 255]) {
            machine.sayBytes(bytes.map((byte, i) => (i === at ? value : byte)));
            answers += machine.take().filter(({ kind }) => !kind.endsWith('refused')).length;
          }
      return { effect: answers > 0, how: `${answers} of 27 messages that are none were answered` };
    },
  },
  {
    attack: 'S1 bytes that are no message are followed by ones that are',
    check: 'what is no message closes the channel',
    edits: [[monitor('monitor.ts'), 'channel.close(fault);', '']],
    act(kit) {
      const machine = openMachine(kit);
      machine.sayBytes(Uint8Array.of(0xff, 1, 2, 3));
      const effect = machine.state.closed === undefined;
      return { effect, how: effect ? 'the slice goes on' : `closed: ${machine.state.closed}` };
    },
  },
]);
