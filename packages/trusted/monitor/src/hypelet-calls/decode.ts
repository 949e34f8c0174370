import { isHmacSha256 } from '@cloister/crypto';
import { budgetLeft } from '@cloister/hardware';
import {
  exitMask,
  GRANT_MAC_BYTES,
  grantBytes,
  INJECTION_INTERVAL_MS,
  INTERRUPT_SOURCE,
  SEALED_FRAME_BYTES,
  type SliceCall,
  type ToMachine,
  VIRTUAL_CSRS,
} from '@cloister/protocol';
import type { HartRecord } from '../harts.ts';
import { isLive } from '../io-gate/device.ts';
import type { Decoded, Machine } from '../machine.ts';
import { allAbsent, pitEntry } from '../tables/pit.ts';
import { enterGuest, fence, inject, mapFrames, readCsr, sealFrame } from './act.ts';

export type Call = Extract<ToMachine, { kind: SliceCall }>;
type CallOf<K extends SliceCall> = Extract<Call, { kind: K }>;

/** Checks a call against the machine's state; its ranges the message's decoder has checked. */
export function decodeCall(machine: Machine, call: Call): Decoded {
  const { harts } = machine;
  if (call.kind === 'fence.gvma') return () => fence(machine, [...harts.keys()]);
  if (call.kind === 'frame.map') return decodeFrame(machine, call);
  const hart = harts[call.hart];
  if (hart === undefined) return `There is no hart ${call.hart}`;
  if (call.kind === 'hart.init') {
    if (machine.launch.phase !== 'begun') return 'Harts are created while the VM is launched';
    if (hart.phase !== 'absent') return `Hart ${call.hart} exists`;
    return () => {
      hart.phase = 'created';
    };
  }
  if (hart.phase === 'absent') return `Hart ${call.hart} was not created`;
  switch (call.kind) {
    case 'hart.run':
      return decodeRun(machine, hart, call);
    case 'state.read':
    case 'state.write':
      return decodeState(machine, hart, call);
    case 'csr.read':
      if (!VIRTUAL_CSRS[call.csr].read) return `${call.csr} cannot be read`;
      return () => readCsr(machine, call.hart, call.csr);
    case 'csr.write':
      if (!VIRTUAL_CSRS[call.csr].write) return `${call.csr} cannot be written`;
      return decodeInjection(machine, call.value);
    case 'fence.vma':
      return () => fence(machine, [call.hart]);
  }
}

function decodeRun(machine: Machine, hart: HartRecord, call: CallOf<'hart.run'>): Decoded {
  const { launch, budget, board } = machine;
  if (launch.phase !== 'finished') return 'The launch is not finished';
  if (hart.phase === 'running') return `Hart ${call.hart} runs`;
  if (hart.phase === 'created' && call.hart !== 0) return 'Hart 0 starts the others';
  if (call.exit !== (hart.phase === 'created' ? 0 : hart.exits)) return 'It is no reply to the last exit';
  const changeable = hart.phase === 'created' ? [] : exitMask(hart.reason).mayChange;
  if (call.registers.length !== 0 && call.registers.length !== changeable.length)
    return 'The exit does not let these registers be changed';
  if (call.microseconds === 0) {
    if (budgetLeft(board, call.hart) === 0) return `Hart ${call.hart} has no budget`;
  } else if (budget.key !== undefined) {
    if (call.sequence <= budget.sequence) return 'The grant was used before';
    if (call.mac.length !== GRANT_MAC_BYTES || !isHmacSha256(budget.key, grantBytes(call), call.mac))
      return 'The grant is not the scheduler’s';
  }
  const changes = new Map(call.registers.map((value, i) => [changeable[i]!, value]));
  return () => enterGuest(machine, call, changes);
}

function decodeState(machine: Machine, hart: HartRecord, call: CallOf<'state.read' | 'state.write'>): Decoded {
  const { register, exit } = call;
  if (hart.phase !== 'exited' || exit !== hart.exits) return 'It is no reply to the last exit';
  if (call.kind === 'state.write')
    return exitMask(hart.reason).mayChange.includes(register)
      ? () => void hart.shadow.set(register, call.value)
      : `An exit for ${hart.reason} does not let ${register} be changed`;
  const value = hart.shadow.get(register);
  if (value === undefined) return `An exit for ${hart.reason} does not expose ${register}`;
  return () => machine.send({ kind: 'state.value', hart: call.hart, exit, register, value });
}

function decodeInjection(machine: Machine, value: bigint): Decoded {
  const { gate, injectedAt, now } = machine;
  const number = Number(value) - INTERRUPT_SOURCE.pciFirst;
  const device = gate.devices[number];
  if (device === undefined) return `Interrupt source ${value} is no device’s of this VM`;
  if (!isLive(device)) return `The guest does not drive device ${number}`;
  if (now() - (injectedAt.get(number) ?? Number.NEGATIVE_INFINITY) < INJECTION_INTERVAL_MS)
    return 'Interrupts are injected too often';
  return () => inject(machine, number);
}

function decodeFrame(machine: Machine, { operation, frame, count, sealed }: CallOf<'frame.map'>): Decoded {
  const { pit, launch } = machine;
  if (launch.phase === 'new') return 'The launch has not begun';
  if (operation === 'zero') {
    if (sealed.length !== 0) return 'Frames of zeros have no contents';
    if (!allAbsent(pit, frame, count)) return 'Not all of these frames are absent';
    return () => mapFrames(machine, frame, count);
  }
  if (count !== 1) return 'One frame is moved at a time';
  if (frame >= pit.states.length) return 'The frame lies outside RAM';
  const { state, version } = pitEntry(pit, frame);
  if (operation === 'take') {
    if (sealed.length !== 0) return 'A frame that is taken has its own contents';
    if (launch.phase !== 'finished') return 'The launch is not finished';
    if (state !== 'present') return `Frame ${frame} is not present`;
    if (!machine.harts.every(canLose)) return 'A hart runs';
    return () => sealFrame(machine, frame, version + 1);
  }
  if (state !== 'sealed') return `Frame ${frame} has not left`;
  if (sealed.length !== SEALED_FRAME_BYTES) return 'A sealed frame has another length';
  const bytes = machine.seal.open(frame, version, sealed);
  if (bytes === undefined) return 'These are not the contents that left last';
  return () => mapFrames(machine, frame, 1, bytes);
}

/**
 * Whether a hart notices that a frame is gone: not while it runs, and not behind a store to the test finisher, after
 * which it goes on in the same page without looking it up.
 */
const canLose = ({ phase, reason }: HartRecord): boolean =>
  phase !== 'running' && !(phase === 'exited' && reason === 'syscon');
