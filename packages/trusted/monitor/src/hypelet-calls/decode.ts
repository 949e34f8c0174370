import { isHmacSha256 } from '@cloister/crypto';
import { budgetLeft } from '@cloister/hardware';
import {
  exitMask,
  GRANT_MAC_BYTES,
  grantBytes,
  INJECTION_INTERVAL_MS,
  INTERRUPT_SOURCE,
  type Register,
  SEALED_FRAME_BYTES,
  type SliceCall,
  type ToMachine,
  VIRTUAL_CSRS,
  type VirtualCsr,
} from '@cloister/protocol';
import type { HartRecord } from '../harts.ts';
import { isLive } from '../io-gate/device.ts';
import { type Refused, refused } from '../launch/decode.ts';
import type { Machine } from '../machine.ts';
import { allAbsent, pitEntry } from '../tables/pit.ts';

export type Call = Extract<ToMachine, { kind: SliceCall }>;
type CallOf<K extends SliceCall> = Extract<Call, { kind: K }>;

/** A HypeLet call that was checked: carrying it out cannot fail. */
export type Action =
  | { readonly kind: 'create'; readonly hart: HartRecord }
  | {
      readonly kind: 'enter';
      readonly number: number;
      readonly hart: HartRecord;
      /** What the slice changes, by its place in the mask. */
      readonly changes: ReadonlyMap<Register, bigint>;
      readonly microseconds: number;
      readonly sequence: bigint | undefined;
    }
  | { readonly kind: 'read'; readonly call: CallOf<'state.read'>; readonly value: bigint }
  | { readonly kind: 'write'; readonly hart: HartRecord; readonly register: Register; readonly value: bigint }
  | { readonly kind: 'read-csr'; readonly hart: number; readonly csr: VirtualCsr }
  | { readonly kind: 'inject'; readonly device: number }
  | { readonly kind: 'fence'; readonly harts: readonly number[] }
  | { readonly kind: 'zero'; readonly frame: number; readonly count: number }
  | { readonly kind: 'take'; readonly frame: number; readonly version: number }
  | { readonly kind: 'restore'; readonly frame: number; readonly bytes: Uint8Array };

/** Checks a call against the machine's state; its ranges the message's decoder has checked. */
export function decodeCall(machine: Machine, call: Call): Action | Refused {
  switch (call.kind) {
    case 'fence.gvma':
      return { kind: 'fence', harts: machine.harts.map((_, number) => number) };
    case 'frame.map':
      return decodeFrame(machine, call);
    default: {
      const hart = machine.harts[call.hart];
      return hart === undefined ? refused(`There is no hart ${call.hart}`) : decodeHartCall(machine, hart, call);
    }
  }
}

function decodeHartCall(
  machine: Machine,
  hart: HartRecord,
  call: Exclude<Call, { kind: 'fence.gvma' | 'frame.map' }>,
): Action | Refused {
  if (call.kind === 'hart.init') {
    if (machine.launch.phase !== 'begun') return refused('Harts are created while the VM is launched');
    return hart.phase === 'absent' ? { kind: 'create', hart } : refused(`Hart ${call.hart} exists`);
  }
  if (hart.phase === 'absent') return refused(`Hart ${call.hart} was not created`);
  switch (call.kind) {
    case 'hart.run':
      return decodeRun(machine, hart, call);
    case 'state.read':
    case 'state.write':
      return decodeState(hart, call);
    case 'csr.read':
      if (!VIRTUAL_CSRS[call.csr].read) return refused(`${call.csr} cannot be read`);
      return { kind: 'read-csr', hart: call.hart, csr: call.csr };
    case 'csr.write':
      return VIRTUAL_CSRS[call.csr].write
        ? decodeInjection(machine, call.value)
        : refused(`${call.csr} cannot be written`);
    case 'fence.vma':
      return { kind: 'fence', harts: [call.hart] };
  }
}

function decodeRun(machine: Machine, hart: HartRecord, call: CallOf<'hart.run'>): Action | Refused {
  const { launch, budget, board } = machine;
  if (launch.phase !== 'finished') return refused('The launch is not finished');
  if (hart.phase === 'running') return refused(`Hart ${call.hart} runs`);
  if (hart.phase === 'created' && call.hart !== 0) return refused('Hart 0 starts the others');
  if (call.exit !== (hart.phase === 'created' ? 0 : hart.exits)) return refused('It is no reply to the last exit');
  const changeable = hart.phase === 'created' ? [] : exitMask(hart.reason).mayChange;
  if (call.registers.length !== 0 && call.registers.length !== changeable.length)
    return refused('The exit does not let these registers be changed');
  const changes = new Map(call.registers.map((value, i) => [changeable[i]!, value]));
  const entry = { kind: 'enter', number: call.hart, hart, changes } as const;
  if (call.microseconds === 0)
    return budgetLeft(board, call.hart) > 0
      ? { ...entry, microseconds: 0, sequence: undefined }
      : refused(`Hart ${call.hart} has no budget`);
  if (budget.key !== undefined) {
    if (call.sequence <= budget.sequence) return refused('The grant was used before');
    if (call.mac.length !== GRANT_MAC_BYTES || !isHmacSha256(budget.key, grantBytes(call), call.mac))
      return refused('The grant is not the scheduler’s');
  }
  return { ...entry, microseconds: call.microseconds, sequence: call.sequence };
}

function decodeState(hart: HartRecord, call: CallOf<'state.read' | 'state.write'>): Action | Refused {
  const { register } = call;
  if (hart.phase !== 'exited' || call.exit !== hart.exits) return refused('It is no reply to the last exit');
  if (call.kind === 'state.write')
    return exitMask(hart.reason).mayChange.includes(register)
      ? { kind: 'write', hart, register, value: call.value }
      : refused(`An exit for ${hart.reason} does not let ${register} be changed`);
  const value = hart.shadow.get(register);
  return value === undefined
    ? refused(`An exit for ${hart.reason} does not expose ${register}`)
    : { kind: 'read', call, value };
}

function decodeInjection({ gate, injectedAt, now }: Machine, value: bigint): Action | Refused {
  const number = Number(value) - INTERRUPT_SOURCE.pciFirst;
  const device = gate.devices[number];
  if (device === undefined) return refused(`Interrupt source ${value} is no device’s of this VM`);
  if (!isLive(device)) return refused(`The guest does not drive device ${number}`);
  if (now() - (injectedAt.get(number) ?? Number.NEGATIVE_INFINITY) < INJECTION_INTERVAL_MS)
    return refused('Interrupts are injected too often');
  return { kind: 'inject', device: number };
}

function decodeFrame(machine: Machine, { operation, frame, count, sealed }: CallOf<'frame.map'>): Action | Refused {
  const { pit, launch } = machine;
  if (launch.phase === 'new') return refused('The launch has not begun');
  if (operation === 'zero') {
    if (sealed.length !== 0) return refused('Frames of zeros have no contents');
    return allAbsent(pit, frame, count)
      ? { kind: 'zero', frame, count }
      : refused('Not all of these frames are absent');
  }
  if (count !== 1) return refused('One frame is moved at a time');
  if (frame >= pit.states.length) return refused('The frame lies outside RAM');
  const { state, version } = pitEntry(pit, frame);
  if (operation === 'take') {
    if (sealed.length !== 0) return refused('A frame that is taken has its own contents');
    if (launch.phase !== 'finished') return refused('The launch is not finished');
    if (state !== 'present') return refused(`Frame ${frame} is not present`);
    if (!machine.harts.every(canLose)) return refused('A hart runs');
    return { kind: 'take', frame, version: version + 1 };
  }
  if (state !== 'sealed') return refused(`Frame ${frame} has not left`);
  if (sealed.length !== SEALED_FRAME_BYTES) return refused('A sealed frame has another length');
  const bytes = machine.seal.open(frame, version, sealed);
  return bytes === undefined ? refused('These are not the contents that left last') : { kind: 'restore', frame, bytes };
}

/**
 * Whether a hart notices that a frame is gone: not while it runs, and not behind a store to the test finisher, after
 * which it goes on in the same page without looking it up.
 */
const canLose = ({ phase, reason }: HartRecord): boolean =>
  phase !== 'running' && !(phase === 'exited' && reason === 'syscon');
