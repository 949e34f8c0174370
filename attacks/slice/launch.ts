import { createHash } from 'node:crypto';
import type { ToMachine } from '@cloister/protocol';
import { type BootPlan, planBoot } from '../../packages/boot-plan/src/index.ts';
import type { Attack } from '../attack.ts';
import { NOTHING, run } from '../bench/machine.ts';
import { type BenchAttack, type Kit, onBench } from '../bench/on-bench.ts';
import { monitor, protocol } from '../bench/sources.ts';

const RAM_BYTES = 64 << 20;
const EXPECTED = [monitor('launch/decode.ts'), 'if (!isExpected(launch, digest))', 'if (false)'] as const;
const DIGEST = protocol('launch-digest.ts');

/** A whole Image, whatever it does. */
const KERNEL = new Uint8Array(20_480).fill(0x13, 64);
const header = new DataView(KERNEL.buffer);
header.setBigUint64(8, 0x20_0000n, true);
header.setBigUint64(16, BigInt(KERNEL.length), true);
header.setUint32(56, 0x05435352, true);

type Message = Extract<ToMachine, { kind: 'launch.update' | 'launch.finish' }>;

function planOf(kit: Kit, commandLine: string, kernel: Uint8Array): BootPlan {
  const wish = { commandLine, kernelBytes: kernel.length, initrdBytes: 0, firmwareBytes: 0 };
  const planned = planBoot(kit.protocol.describePlatform(1, RAM_BYTES), wish, kernel.subarray(0, 4096));
  if (!planned.ok) throw new Error(planned.reason);
  return planned.plan;
}

function messagesOf({ updates, end }: BootPlan, kernel: Uint8Array): Message[] {
  return [
    ...updates.map((update): Message => {
      const bytes =
        'bytes' in update ? update.bytes : kernel.slice(update.from.offset, update.from.offset + update.from.length);
      return { kind: 'launch.update', address: update.address, bytes };
    }),
    { kind: 'launch.finish', ...end },
  ];
}

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

/** The digest that the owner computes of the honest boot, by the same rules as the machine's. */
function ownersDigest(kit: Kit, plan: BootPlan): Uint8Array {
  let digest: Uint8Array = kit.protocol.EMPTY_LAUNCH_DIGEST;
  for (const message of messagesOf(plan, KERNEL))
    digest = kit.protocol.extendLaunchDigest(
      sha256,
      digest,
      message.kind === 'launch.update' ? { ...message, kind: 'update' } : { ...message, kind: 'finish' },
    );
  return digest;
}

interface Variant extends Pick<BenchAttack, 'attack' | 'check' | 'edits'> {
  readonly source?: string;
  /** What the hostile slice launches instead. */
  launch(honest: Message[], kit: Kit): Message[];
}

const launch = ({ launch: hostile, ...variant }: Variant): Attack =>
  onBench({
    from: 'slice',
    target: 'what its guest starts with',
    source: 'isolation.md S1, B1 ("undeSErVed trust"); issue 5 §5',
    ...variant,
    act(kit) {
      const plan = planOf(kit, 'quiet', KERNEL);
      const machine = kit.monitorBench(kit.sharedMemory(RAM_BYTES), { expectedDigest: ownersDigest(kit, plan) });
      const frames = RAM_BYTES / 4096;
      machine.say({ kind: 'launch.start' });
      machine.say({ kind: 'frame.map', operation: 'zero', frame: 0, count: frames, sealed: NOTHING });
      machine.say({ kind: 'hart.init', hart: 0 });
      for (const message of hostile(messagesOf(plan, KERNEL), kit)) machine.say(message);
      machine.say(run());
      return { effect: machine.started.length > 0, how: `${machine.started.length} guests started` };
    },
  });

const flip = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
const updateAt = (
  messages: Message[],
  number: number,
  change: (update: Extract<Message, { kind: 'launch.update' }>) => Message[],
): Message[] =>
  messages.flatMap((message, i) => (i === number && message.kind === 'launch.update' ? change(message) : [message]));

/** Something else than the owner wants is started. */
export const LAUNCHES: readonly Attack[] = [
  launch({
    attack: 'S1 another kernel is booted',
    check: 'the launch has the digest that the owner expects',
    edits: [EXPECTED],
    launch: (_, kit) => {
      const other = KERNEL.map((byte, i) => (i < 64 ? byte : 0x6f));
      return messagesOf(planOf(kit, 'quiet', other), other);
    },
  }),
  launch({
    attack: 'S1 one bit of the kernel is changed',
    check: 'the launch has the digest that the owner expects',
    edits: [EXPECTED],
    launch: (honest) => updateAt(honest, 0, (update) => [{ ...update, bytes: flip(update.bytes, 9000) }]),
  }),
  launch({
    attack: 'S1 one byte of the device tree is changed',
    check: 'the launch has the digest that the owner expects',
    edits: [EXPECTED],
    launch: (honest) =>
      updateAt(honest, honest.length - 2, (update) => [{ ...update, bytes: flip(update.bytes, 600) }]),
  }),
  launch({
    attack: 'S1 the command line says init=/bin/sh',
    check: 'the launch has the digest that the owner expects',
    edits: [EXPECTED],
    launch: (_, kit) => messagesOf(planOf(kit, 'quiet init=/bin/sh', KERNEL), KERNEL),
  }),
  launch({
    attack: 'S1 the kernel is placed elsewhere',
    source: 'isolation.md S1 ("undeSErVed trust": the digest binds addresses)',
    check: 'the digest is over addresses',
    edits: [[DIGEST, '? [step.address, step.bytes.length]', '? [0, step.bytes.length]']],
    launch: (honest) => updateAt(honest, 0, (update) => [{ ...update, address: update.address + 4096 }]),
  }),
  launch({
    attack: 'S1 the guest starts at another address',
    check: 'the digest is over the entry',
    edits: [
      [
        DIGEST,
        ': [step.pc, step.deviceTree, step.rngSeed, step.firmwareInfo];',
        ': [0, step.deviceTree, step.rngSeed, step.firmwareInfo];',
      ],
    ],
    launch: (honest) => honest.map((one) => (one.kind === 'launch.finish' ? { ...one, pc: one.pc + 64 } : one)),
  }),
  launch({
    attack: 'S1 the guest starts in M-mode, with firmware’s powers',
    check: 'the digest is over the firmware’s information',
    edits: [
      [
        DIGEST,
        ': [step.pc, step.deviceTree, step.rngSeed, step.firmwareInfo];',
        ': [step.pc, step.deviceTree, step.rngSeed, 0];',
      ],
    ],
    launch: (honest) =>
      honest.map((one) => (one.kind === 'launch.finish' ? { ...one, firmwareInfo: one.pc + 4096 } : one)),
  }),
  launch({
    attack: 'S1 an update is left out',
    check: 'the digest is over each step',
    edits: [EXPECTED],
    launch: (honest) => honest.slice(1),
  }),
  launch({
    attack: 'S1 bytes are placed over what was measured, in another order',
    check: 'the digest is a chain',
    edits: [
      [DIGEST, '  record.set(digest);\n', ''],
      [DIGEST, '  return sha256(record);', '  return sha256(record).map((byte, i) => byte ^ digest[i]!);'],
    ],
    launch: (honest) => [honest[1]!, honest[0]!, ...honest.slice(2)],
  }),
  launch({
    attack: 'S1 more than was wanted is placed',
    check: 'the launch has the digest that the owner expects',
    edits: [EXPECTED],
    launch: (honest) => [
      honest[0]!,
      { kind: 'launch.update', address: 0x8300_0000, bytes: new Uint8Array(64) },
      ...honest.slice(1),
    ],
  }),
  onBench({
    attack: 'S1 the slice knows the guest’s random seed',
    from: 'slice',
    target: 'its guest’s randomness',
    source: 'issue 5 §5',
    check: 'the seed is the monitor’s',
    edits: [
      [
        monitor('launch/act.ts'),
        'if (end.rngSeed !== 0) storeBytes(gate.memory, end.rngSeed, gate.random(RNG_SEED_BYTES));',
        '',
      ],
    ],
    act(kit) {
      const plan = planOf(kit, 'quiet', KERNEL);
      const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
      const machine = kit.monitorBench(kit.sharedMemory(RAM_BYTES), { random });
      machine.say({ kind: 'launch.start' });
      machine.say({ kind: 'frame.map', operation: 'zero', frame: 0, count: RAM_BYTES / 4096, sealed: NOTHING });
      machine.say({ kind: 'hart.init', hart: 0 });
      const known = new Uint8Array(32).fill(0xee);
      const messages = messagesOf(plan, KERNEL);
      const place: Message = { kind: 'launch.update', address: plan.end.rngSeed, bytes: known };
      for (const message of [...messages.slice(0, -1), place, ...messages.slice(-1)]) machine.say(message);
      const at = plan.end.rngSeed - 0x8000_0000;
      const effect = machine.ram.subarray(at, at + 32).every((byte) => byte === 0xee);
      return { effect, how: `the guest's seed is ${effect ? 'what the slice placed' : 'another'}` };
    },
  }),
];
