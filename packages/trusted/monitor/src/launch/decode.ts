import { FIRMWARE_INFO_BYTES, type LaunchEnd, RNG_SEED_BYTES, type ToMachine } from '@cloister/protocol';
import { inRam } from '../io-gate/guest-memory.ts';
import type { Decoded, Machine } from '../machine.ts';
import { beginLaunch, finishLaunch, measureLaunch, placeBytes } from './act.ts';
import { digestAfter, hex, isExpected } from './launch.ts';

export type LaunchCommand = Extract<ToMachine, { kind: `launch.${string}` }>;

/** Checks a life-cycle command against the state of the launch and against everything that it names. */
export function decodeLaunch(machine: Machine, command: LaunchCommand): Decoded {
  const { launch } = machine;
  if (command.kind === 'launch.measure') return () => measureLaunch(machine);
  if (launch.phase === 'finished') return 'The launch is finished';
  if (command.kind === 'launch.start') return () => beginLaunch(machine);
  if (launch.phase === 'new') return 'The launch has not begun';
  if (command.kind === 'launch.finish') return decodeFinish(machine, command);
  const { address, bytes } = command;
  if (!inRam(machine.gate.memory, address, bytes.length)) return 'An update lies outside the VM’s frames';
  const digest = digestAfter(launch, { kind: 'update', address, bytes });
  return () => placeBytes(machine, address, bytes, digest);
}

function decodeFinish(machine: Machine, { pc, deviceTree, rngSeed, firmwareInfo }: LaunchEnd): Decoded {
  const { launch, harts } = machine;
  const { memory } = machine.gate;
  if (harts[0]!.phase === 'absent') return 'There is no hart to start';
  if (!inRam(memory, pc, 4) || pc % 4 !== 0) return 'The entry lies outside the VM’s frames';
  if (!inRam(memory, deviceTree, 8)) return 'The device tree lies outside the VM’s frames';
  if (firmwareInfo !== 0 && !inRam(memory, firmwareInfo, FIRMWARE_INFO_BYTES))
    return 'The firmware’s information lies outside the VM’s frames';
  if (rngSeed !== 0 && !inRam(memory, rngSeed, RNG_SEED_BYTES)) return 'The seed lies outside the VM’s frames';
  const end: LaunchEnd = { pc, deviceTree, rngSeed, firmwareInfo };
  const digest = digestAfter(launch, { kind: 'finish', ...end });
  if (!isExpected(launch, digest)) return `What was launched (digest ${hex(digest)}) is not what the owner expects`;
  return () => finishLaunch(machine, end, digest);
}
