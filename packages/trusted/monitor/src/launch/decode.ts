import { FIRMWARE_INFO_BYTES, type LaunchEnd, RNG_SEED_BYTES, type ToMachine } from '@cloister/protocol';
import { inRam } from '../io-gate/guest-memory.ts';
import type { Machine } from '../machine.ts';
import { digestAfter, hex, isExpected } from './launch.ts';

export type LaunchCommand = Extract<ToMachine, { kind: `launch.${string}` }>;

/** A life-cycle command that was checked: carrying it out cannot fail. */
export type LaunchAction =
  | { readonly kind: 'begin' }
  | { readonly kind: 'place'; readonly address: number; readonly bytes: Uint8Array; readonly digest: Uint8Array }
  | { readonly kind: 'finish'; readonly end: LaunchEnd; readonly digest: Uint8Array }
  | { readonly kind: 'measure' };

export interface Refused {
  readonly kind: 'refused';
  /** One line for people. */
  readonly reason: string;
}
export const refused = (reason: string): Refused => ({ kind: 'refused', reason });

/** Checks a life-cycle command against the state of the launch and against everything that it names. */
export function decodeLaunch(machine: Machine, command: LaunchCommand): LaunchAction | Refused {
  const { launch } = machine;
  if (command.kind === 'launch.measure') return { kind: 'measure' };
  if (launch.phase === 'finished') return refused('The launch is finished');
  if (command.kind === 'launch.start') return { kind: 'begin' };
  if (launch.phase === 'new') return refused('The launch has not begun');
  if (command.kind === 'launch.finish') return decodeFinish(machine, command);
  const { address, bytes } = command;
  if (!inRam(machine.gate.memory, address, bytes.length)) return refused('An update lies outside the VM’s frames');
  return { kind: 'place', address, bytes, digest: digestAfter(launch, { kind: 'update', address, bytes }) };
}

function decodeFinish(
  { launch, gate: { memory }, harts }: Machine,
  { pc, deviceTree, rngSeed, firmwareInfo }: Extract<LaunchCommand, { kind: 'launch.finish' }>,
): LaunchAction | Refused {
  if (harts[0]!.phase === 'absent') return refused('There is no hart to start');
  if (!inRam(memory, pc, 4) || pc % 4 !== 0) return refused('The entry lies outside the VM’s frames');
  if (!inRam(memory, deviceTree, 8)) return refused('The device tree lies outside the VM’s frames');
  if (firmwareInfo !== 0 && !inRam(memory, firmwareInfo, FIRMWARE_INFO_BYTES))
    return refused('The firmware’s information lies outside the VM’s frames');
  if (rngSeed !== 0 && !inRam(memory, rngSeed, RNG_SEED_BYTES)) return refused('The seed lies outside the VM’s frames');
  const end: LaunchEnd = { pc, deviceTree, rngSeed, firmwareInfo };
  const digest = digestAfter(launch, { kind: 'finish', ...end });
  if (!isExpected(launch, digest))
    return refused(`What was launched (digest ${hex(digest)}) is not what the owner expects`);
  return { kind: 'finish', end, digest };
}
