import { frameMap, type MachineBench, NOTHING, openMachine, RAM, run, zeroFrames } from '../bench/machine.ts';
import { benchAttacks } from '../bench/on-bench.ts';
import { monitor } from '../bench/sources.ts';

const DECODE = monitor('hypelet-calls/decode.ts');
const SEAL = monitor('seal/frame-seal.ts');
const CANARY = Buffer.from('canary of this guest, 32 bytes!!');
const OPENED = 'machine.seal.open(frame, version, sealed)';

const COMMON = { from: 'slice', target: "its guest's memory", source: 'isolation.md S1; Fidelius §4.1 (PIT)' };

function taken(machine: MachineBench, frame: number): Uint8Array {
  const [heard] = machine.tell(frameMap('take', frame));
  return heard?.kind === 'frame.mapped' ? heard.sealed.slice() : NOTHING;
}

/** The guest waits for budget, so that frames can leave; frame 5 has the canary, frame 6 something else. */
function waiting(...[kit, more]: Parameters<typeof openMachine>): MachineBench {
  const machine = openMachine(kit, more);
  machine.frame(5).set(CANARY);
  machine.frame(6).fill(0x66);
  machine.leave({ reason: 'budget' });
  machine.take();
  return machine;
}

/** Which frame is whose, and what comes back of one that left. */
export const FRAMES_OF_THE_GUEST = benchAttacks(COMMON, [
  {
    attack: 'S1 a frame is taken to be read',
    check: 'a frame leaves sealed',
    edits: [
      [
        monitor('hypelet-calls/act.ts'),
        'machine.seal.seal(frame, version, frameBytes(pit, frame))',
        'frameBytes(pit, frame).slice()',
      ],
    ],
    act(kit) {
      const sealed = taken(waiting(kit), 5);
      const effect = Buffer.from(sealed).includes(CANARY);
      return { effect, how: `the canary is ${effect ? '' : 'not '}in the ${sealed.length} bytes that left` };
    },
  },
  {
    attack: 'S3 the same frame leaves as the same ciphertext',
    source: 'isolation.md S3; CIPHERLEAKS',
    check: 'no nonce comes twice',
    edits: [[SEAL, '[4, 8, version],', '']],
    act(kit) {
      const machine = waiting(kit);
      const left = [0, 1, 2].map(() => {
        const sealed = taken(machine, 5);
        machine.tell(frameMap('restore', 5, sealed));
        return Buffer.from(sealed).toString('hex');
      });
      const different = new Set(left).size;
      return { effect: different < 3, how: `${different} different ciphertexts of one frame in 3` };
    },
  },
  {
    attack: 'S1 an older copy of a frame is given back',
    source: 'isolation.md S1 (replay); Fidelius',
    check: 'a frame opens under its last version alone',
    edits: [[SEAL, '[4, 8, version],', '']],
    act(kit) {
      const machine = waiting(kit);
      const old = taken(machine, 5);
      machine.tell(frameMap('restore', 5, old));
      machine.frame(5).fill(0x99);
      taken(machine, 5);
      machine.tell(frameMap('restore', 5, old));
      const effect = machine.frame(5)[0] === CANARY[0];
      return { effect, how: `the frame begins with 0x${machine.frame(5)[0]!.toString(16)}` };
    },
  },
  {
    attack: 'S1 a frame is given back in the place of another',
    source: 'isolation.md S1; SEVered',
    check: 'a frame opens at its own address alone',
    edits: [[SEAL, '[0, 4, frame],', '']],
    act(kit) {
      const machine = waiting(kit);
      const [five] = [taken(machine, 5), taken(machine, 6)];
      machine.tell(frameMap('restore', 6, five));
      const effect = machine.frame(6)[0] === CANARY[0];
      return { effect, how: `frame 6 begins with 0x${machine.frame(6)[0]!.toString(16)}` };
    },
  },
  {
    attack: 'S1 a frame is given back with other contents',
    check: 'a frame is authenticated',
    edits: [[DECODE, OPENED, 'sealed.subarray(0, 4096)']],
    act(kit) {
      const machine = waiting(kit);
      taken(machine, 5);
      machine.tell(frameMap('restore', 5, new Uint8Array(4112).fill(0xee)));
      const effect = machine.frame(5)[0] === 0xee;
      return { effect, how: `the frame begins with 0x${machine.frame(5)[0]!.toString(16)}` };
    },
  },
  {
    attack: 'S1 a frame of another VM is given to this one',
    source: 'isolation.md S1 (another VM’s handle); CrossLine',
    check: 'each machine seals under a key of its own',
    edits: [[SEAL, 'aes256Gcm(random(KEY_BYTES))', 'aes256Gcm(new Uint8Array(KEY_BYTES))']],
    act(kit) {
      const [other, own] = [waiting(kit), waiting(kit)];
      own.frame(5).fill(0x11);
      taken(own, 5);
      own.tell(frameMap('restore', 5, taken(other, 5)));
      const effect = Buffer.from(own.frame(5)).includes(CANARY);
      return { effect, how: `the other VM's canary is ${effect ? '' : 'not '}in this one's frame` };
    },
  },
  {
    attack: 'S1 a frame that left comes back as zeros',
    check: 'a frame is given while it is absent alone',
    edits: [[DECODE, '!allAbsent(pit, frame, count)', 'frame + count > pit.states.length']],
    act(kit) {
      const machine = waiting(kit);
      taken(machine, 5);
      machine.tell(frameMap('zero', 5));
      const present = (kit.hardware.frameFlags(machine.memory)[5]! & kit.hardware.FRAME.absent) === 0;
      const effect = present && machine.frame(5).every((byte) => byte === 0);
      return { effect, how: `the guest finds ${present ? 'zeros' : 'no frame'}` };
    },
  },
  {
    attack: 'S1 a frame is taken from under a running hart',
    check: 'frames leave while no hart runs',
    edits: [[DECODE, 'if (!machine.harts.every(canLose))', 'if (false)']],
    act(kit) {
      const machine = openMachine(kit);
      machine.frame(5).set(CANARY);
      const sealed = taken(machine, 5);
      const effect = machine.frame(5)[0] !== CANARY[0];
      return { effect, how: `${sealed.length} bytes left, the running guest's frame is ${effect ? 'gone' : 'there'}` };
    },
  },
  {
    attack: 'S1 a frame is taken twice, so that its contents are lost',
    check: 'a frame leaves while it is present alone',
    edits: [[DECODE, "if (state !== 'present') return", 'if (false) return']],
    act(kit) {
      const machine = waiting(kit);
      const first = taken(machine, 5);
      taken(machine, 5);
      machine.tell(frameMap('restore', 5, first));
      const effect = machine.frame(5)[0] !== CANARY[0];
      return { effect, how: `what left ${effect ? 'cannot come' : 'came'} back` };
    },
  },
  {
    attack: 'S1 memory that was placed before the launch stays through it, unmeasured',
    source: 'isolation.md S1; "undeSErVed trust"',
    check: 'a launch begins with nothing',
    edits: [[monitor('launch/act.ts'), 'resetPit(pit);', 'pit.memory.absent = pit.states.length; pit.states.fill(0);']],
    act(kit) {
      const machine = openMachine(kit, { until: 'new' });
      const evil = new Uint8Array(64).fill(0xee);
      for (const message of [
        { kind: 'launch.start' } as const,
        zeroFrames,
        { kind: 'launch.update', address: RAM + 9 * 4096, bytes: evil } as const,
        { kind: 'launch.start' } as const,
        zeroFrames,
        { kind: 'hart.init', hart: 0 } as const,
        { kind: 'launch.finish', pc: RAM, deviceTree: RAM, rngSeed: 0, firmwareInfo: 0 } as const,
        run(),
      ])
        machine.say(message);
      const effect = machine.started.length === 1 && machine.frame(9)[0] === 0xee;
      return {
        effect,
        how: `${machine.started.length} started, the frame begins with 0x${machine.frame(9)[0]!.toString(16)}`,
      };
    },
  },
  {
    attack: 'S1 bytes are placed in the memory of a running guest, where it posted nothing',
    check: 'a finished launch stays finished',
    edits: [[monitor('launch/decode.ts'), "if (launch.phase === 'finished') return", 'if (false) return']],
    act(kit) {
      const machine = openMachine(kit);
      machine.say({ kind: 'launch.update', address: RAM + 9 * 4096, bytes: new Uint8Array(64).fill(0xee) });
      const effect = machine.frame(9)[0] === 0xee;
      return { effect, how: `the frame begins with 0x${machine.frame(9)[0]!.toString(16)}` };
    },
  },
]);
