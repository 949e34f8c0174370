import {
  type Channel,
  type FileData,
  type FromMachine,
  type FromSlice,
  fromMachine,
  fromSlice,
  fromStorage,
  type Grant,
  type HartExit,
  type Platform,
  type ToMachine,
  type ToSlice,
  toMachine,
  toSlice,
  toStorage,
} from '@cloister/protocol';
import { askAgain, type Boot, type BootPorts, beginBoot, bootData } from './boot/boot.ts';
import { type ExitOutcome, systemReset, testFinisher } from './exits/system-reset.ts';
import { createHypelet, type Hypelet } from './hypelet.ts';
import { createFrames, type Frames } from './memory/frames.ts';
import { type Grants, scheduled, UNMETERED } from './run-loop/grants.ts';

/** What a slice is started with: a channel to its machine, to storage, to the VM's client, and to the scheduler if there is one. */
export interface SliceChannels {
  readonly machine: Channel;
  readonly storage: Channel;
  readonly client: Channel;
  readonly scheduler?: Channel;
}

interface Slice {
  readonly channels: SliceChannels;
  readonly hypelet: Hypelet;
  readonly grants: Grants;
  platform: Platform | undefined;
  frames: Frames | undefined;
  /** Asked for before the machine had said what it is. */
  requested: Extract<ToSlice, { kind: 'boot.start' }> | undefined;
  boot: Boot | undefined;
  phase: 'waiting' | 'booting' | 'running' | 'over';
  /** Storage was replaced, and the machine has not said yet that it begins to ask again: what comes still was lost. */
  storageRenewed: boolean;
  /** How often it was replaced. */
  rounds: number;
}

/**
 * Starts a VM's hypervisor. It has no authority but its channels, and holds nothing that its machine could not tell the
 * next one: whether it is the VM's first or takes the place of another, it goes by what the machine says first.
 */
export function start(channels: SliceChannels): void {
  const slice: Slice = {
    channels,
    hypelet: createHypelet(
      (message) => tellMachine(slice, message),
      (call, reason) => refused(slice, `The machine refused ${call}: ${reason}`),
    ),
    grants: channels.scheduler === undefined ? UNMETERED : scheduled(channels.scheduler),
    platform: undefined,
    frames: undefined,
    requested: undefined,
    boot: undefined,
    phase: 'waiting',
    storageRenewed: false,
    rounds: 0,
  };
  channels.machine.listen({
    frame(frame) {
      const message = fromMachine.decode(frame);
      if (message !== undefined) hearMachine(slice, message, frame);
    },
    closed: (reason) => end(slice, 'failed', `The machine is gone: ${reason}`),
  });
  channels.storage.listen({
    frame(frame) {
      const reply = fromStorage.decode(frame);
      if (reply === undefined) return;
      if (reply.kind === 'block.reply') channels.machine.send(frame);
      else if (slice.phase === 'booting') heardBootFile(slice, reply);
    },
    renewed() {
      slice.storageRenewed = true;
      slice.rounds += 1;
      if (slice.phase === 'booting') askAgain(slice.boot!, bootPorts(slice));
      tellMachine(slice, { kind: 'block.resend', round: slice.rounds });
    },
    closed: (reason) => end(slice, 'failed', `The storage is gone: ${reason}`),
  });
  channels.client.listen({
    frame(frame) {
      const message = toSlice.decode(frame);
      if (message !== undefined) hearClient(slice, message, frame);
    },
  });
}

const tellMachine = (slice: Slice, message: ToMachine): void => slice.channels.machine.send(toMachine.encode(message));
const tellClient = (slice: Slice, message: FromSlice): void => slice.channels.client.send(fromSlice.encode(message));

/** @param frame the message's bytes, which go on as they are where both channels know them */
function hearMachine(slice: Slice, message: FromMachine, frame: Uint8Array): void {
  if (slice.hypelet.hear(message)) return;
  switch (message.kind) {
    case 'platform':
      slice.platform = message;
      slice.frames = createFrames(slice.hypelet.call, message);
      if (message.phase === 'launching') beginWhenReady(slice);
      else run(slice, message.phase);
      break;
    case 'block.request':
      // The stores of this VM have the same numbers at storage.
      if (!slice.storageRenewed) slice.channels.storage.send(frame);
      break;
    case 'block.resending':
      if (message.round === slice.rounds) slice.storageRenewed = false;
      break;
    case 'port.data':
    case 'port.taken':
    case 'port.open':
      slice.channels.client.send(frame);
      break;
    case 'launch.finished':
      run(slice, 'launched');
      break;
    case 'launch.refused':
      refused(slice, message.reason);
      break;
    case 'hart.exit':
      handleExit(slice, message);
      break;
  }
}

/** The VM is launched; what its harts wait with, if they run already, the machine says next. */
function run(slice: Slice, phase: 'launched' | 'running'): void {
  if (slice.phase === 'over') return;
  slice.phase = 'running';
  if (phase === 'launched') slice.grants.next((grant) => enter(slice, 0, 0, [], grant));
  tellClient(slice, { kind: 'boot.done' });
}

function hearClient(slice: Slice, message: ToSlice, frame: Uint8Array): void {
  switch (message.kind) {
    case 'boot.start':
      slice.requested = message;
      beginWhenReady(slice);
      break;
    default:
      slice.channels.machine.send(frame);
  }
}

const bootPorts = (slice: Slice): BootPorts => ({
  begin() {
    tellMachine(slice, { kind: 'launch.start' });
    slice.frames!.giveAll().catch((error: Error) => refused(slice, error.message));
  },
  toMachine: (message) => tellMachine(slice, message),
  toStorage: (message) => slice.channels.storage.send(toStorage.encode(message)),
});

function beginWhenReady(slice: Slice): void {
  if (slice.phase !== 'waiting' || slice.platform === undefined || slice.requested === undefined) return;
  slice.phase = 'booting';
  slice.boot = beginBoot(slice.platform, slice.requested, bootPorts(slice));
}

function heardBootFile(slice: Slice, data: FileData): void {
  const reason = bootData(slice.boot!, data, bootPorts(slice));
  if (reason !== undefined) refuse(slice, reason);
}

/** Nothing was started. */
function refuse(slice: Slice, reason: string): void {
  slice.phase = 'over';
  tellClient(slice, { kind: 'boot.refused', reason });
}

/** The machine does not do what it was told: the guest would wait for ever. */
function refused(slice: Slice, reason: string): void {
  if (slice.phase === 'booting') refuse(slice, reason);
  else if (slice.phase === 'running') end(slice, 'failed', reason);
}

const NO_GRANT: Grant = { microseconds: 0, sequence: 0n, mac: new Uint8Array(0) };

function enter(slice: Slice, hart: number, exit: number, registers: readonly bigint[], grant = NO_GRANT): void {
  slice.hypelet.call['hart.run']({ hart, exit, registers, ...grant });
}

/** One message back for each exit, or two where the guest lacked a frame: the machine takes them in order. */
function handleExit(slice: Slice, { hart, exit, reason, registers }: HartExit): void {
  if (slice.phase !== 'running') return;
  switch (reason) {
    case 'budget':
      slice.grants.next((grant) => enter(slice, hart, exit, [], grant));
      break;
    case 'frame-fault':
      slice
        .frames!.give(Number(registers[0] ?? 0n), () => enter(slice, hart, exit, []))
        .catch((error: Error) => refused(slice, error.message));
      break;
    default: {
      const outcome: ExitOutcome | undefined =
        reason === 'sbi' ? systemReset(registers) : testFinisher(Number(registers[0] ?? 0n));
      if (outcome?.kind === 'end') end(slice, outcome.end, outcome.reason);
      else enter(slice, hart, exit, outcome === undefined ? [] : [outcome.error, 0n]);
    }
  }
}

function end(slice: Slice, how: 'power-off' | 'reset' | 'failed', reason: string): void {
  if (slice.phase === 'over') return;
  slice.phase = 'over';
  tellClient(slice, { kind: 'run.end', end: how, reason });
}
