import type { Completion } from '@cloister/hardware';
import { FIRMWARE_INFO_BYTES, LAUNCH_UPDATE_BYTES_MAX, RNG_SEED_BYTES, type ToMachine } from '@cloister/protocol';
import { inRam } from '../io-gate/guest-memory.ts';
import { type Entry, type HartRecord, type Machine, NO_VALUE } from '../machine.ts';

/** A HypeLet call or life-cycle command that was checked: carrying it out cannot fail. */
export type Action =
  | { readonly kind: 'none' }
  | { readonly kind: 'start'; readonly hart: HartRecord; readonly entry: Entry }
  | { readonly kind: 'resume'; readonly number: number; readonly hart: HartRecord }
  | { readonly kind: 'complete-with'; readonly hart: HartRecord; readonly completion: Completion }
  | { readonly kind: 'place'; readonly address: number; readonly bytes: Uint8Array }
  | { readonly kind: 'finish'; readonly entry: Entry; readonly rngSeed: number };

export type Call = Extract<
  ToMachine,
  { kind: 'hart.init' | 'hart.run' | 'state.write' | 'launch.update' | 'launch.finish' }
>;

export type Decoded = Action | { readonly kind: 'refused'; readonly reason: string };

const refused = (reason: string): Decoded => ({ kind: 'refused', reason });

/** Checks a call against the machine's state and against everything that it names. */
export function decodeCall(machine: Machine, call: Call): Decoded {
  const { launch, gate } = machine;
  switch (call.kind) {
    case 'launch.update':
      if (launch.entry !== undefined) return refused('The launch is finished');
      if (call.bytes.length > LAUNCH_UPDATE_BYTES_MAX) return refused('An update is too long');
      if (!inRam(gate.memory, call.address, call.bytes.length)) return refused('An update lies outside RAM');
      return { kind: 'place', address: call.address, bytes: call.bytes };
    case 'launch.finish':
      if (launch.entry !== undefined) return refused('The launch is finished');
      if (!inRam(gate.memory, call.pc, 4) || call.pc % 4 !== 0) return refused('The entry lies outside RAM');
      if (!inRam(gate.memory, call.deviceTree, 8)) return refused('The device tree lies outside RAM');
      if (call.firmwareInfo !== 0 && !inRam(gate.memory, call.firmwareInfo, FIRMWARE_INFO_BYTES)) {
        return refused('The firmware’s information lies outside RAM');
      }
      if (call.rngSeed !== 0 && !inRam(gate.memory, call.rngSeed, RNG_SEED_BYTES)) {
        return refused('The seed lies outside RAM');
      }
      return {
        kind: 'finish',
        entry: { pc: call.pc, deviceTree: call.deviceTree, firmwareInfo: call.firmwareInfo },
        rngSeed: call.rngSeed,
      };
    default:
      return decodeHartCall(machine, call);
  }
}

function decodeHartCall(machine: Machine, call: Exclude<Call, { kind: `launch.${string}` }>): Decoded {
  const { entry } = machine.launch;
  const hart = machine.harts[call.hart];
  if (hart === undefined) return refused(`There is no hart ${call.hart}`);
  if (call.kind === 'hart.init') return entry === undefined ? { kind: 'none' } : refused('The launch is finished');
  if (entry === undefined) return refused('The launch is not finished');
  if (call.kind === 'state.write') {
    if (!hart.withSlice) return refused(`Hart ${call.hart} waits for no completion`);
    return { kind: 'complete-with', hart, completion: { error: call.error, value: call.value } };
  }
  if (!hart.started) return call.hart === 0 ? { kind: 'start', hart, entry } : refused('Hart 0 starts the others');
  if (!hart.withSlice) return refused(`Hart ${call.hart} runs`);
  return { kind: 'resume', number: call.hart, hart };
}

/** A record of a hart that has not run. */
export const createHartRecord = (): HartRecord => ({ started: false, withSlice: false, completion: NO_VALUE });
