import {
  type BlockRequest,
  type Channel,
  type FromMachine,
  type FromSlice,
  fromMachine,
  fromSlice,
  fromStorage,
  type HartExit,
  type Platform,
  type ToMachine,
  type ToSlice,
  toMachine,
  toSlice,
  toStorage,
} from '@cloister/protocol';
import { type Boot, beginBoot, bootData } from './boot/boot.ts';
import { type ExitOutcome, systemReset, testFinisher } from './exits/system-reset.ts';

/** What a slice is started with: a channel to its machine, to storage, to the launcher. */
export interface SliceChannels {
  readonly machine: Channel;
  readonly storage: Channel;
  readonly scheduler: Channel;
  readonly client: Channel;
}

interface Slice {
  readonly channels: SliceChannels;
  platform: Platform | undefined;
  /** Asked for before the machine had said what it is. */
  requested: Extract<ToSlice, { kind: 'boot.start' }> | undefined;
  boot: Boot | undefined;
  phase: 'waiting' | 'booting' | 'running' | 'over';
  /** Storage was replaced, and the machine has not said yet that it begins to ask again: what comes still was lost. */
  storageRenewed: boolean;
}

/** Starts a VM's hypervisor. It has no authority but its channels. */
export function start(channels: SliceChannels): void {
  const slice: Slice = {
    channels,
    platform: undefined,
    requested: undefined,
    boot: undefined,
    phase: 'waiting',
    storageRenewed: false,
  };
  channels.machine.listen({
    frame(frame) {
      const message = fromMachine.decode(frame);
      if (message !== undefined) hearMachine(slice, message);
    },
    closed: (reason) => end(slice, 'failed', `The machine is gone: ${reason}`),
  });
  channels.storage.listen({
    frame(frame) {
      const reply = fromStorage.decode(frame);
      if (reply === undefined) return;
      if (slice.phase !== 'booting') tellMachine(slice, reply);
      else {
        const reason = bootData(slice.boot!, reply, bootPorts(slice));
        if (reason !== undefined) refuse(slice, reason);
      }
    },
    renewed() {
      slice.storageRenewed = true;
      tellMachine(slice, { kind: 'block.resend' });
    },
    closed: (reason) => end(slice, 'failed', `The storage is gone: ${reason}`),
  });
  channels.client.listen({
    frame(frame) {
      const message = toSlice.decode(frame);
      if (message !== undefined) hearLauncher(slice, message);
    },
  });
}

const tellMachine = (slice: Slice, message: ToMachine): void => slice.channels.machine.send(toMachine.encode(message));
const tellLauncher = (slice: Slice, message: FromSlice): void => slice.channels.client.send(fromSlice.encode(message));

function hearMachine(slice: Slice, message: FromMachine): void {
  switch (message.kind) {
    case 'platform':
      slice.platform = message;
      beginWhenReady(slice);
      break;
    case 'block.request':
      // The stores of this VM have the same numbers at storage.
      if (!slice.storageRenewed) slice.channels.storage.send(toStorage.encode(message));
      break;
    case 'block.resending':
      slice.storageRenewed = false;
      break;
    case 'port.data':
    case 'port.taken':
    case 'port.open':
      tellLauncher(slice, message);
      break;
    case 'launch.finished':
      slice.phase = 'running';
      tellMachine(slice, { kind: 'hart.run', hart: 0, budget: 0n });
      tellLauncher(slice, { kind: 'boot.done' });
      break;
    case 'launch.refused':
      if (slice.phase === 'booting') refuse(slice, message.reason);
      break;
    case 'hart.exit':
      handleExit(slice, message);
      break;
  }
}

function hearLauncher(slice: Slice, message: ToSlice): void {
  switch (message.kind) {
    case 'boot.start':
      slice.requested = message;
      beginWhenReady(slice);
      break;
    default:
      tellMachine(slice, message);
  }
}

const bootPorts = (slice: Slice) => ({
  toMachine: (message: ToMachine) => tellMachine(slice, message),
  toLauncher: (message: FromSlice) => tellLauncher(slice, message),
  toStorage: (message: BlockRequest) => slice.channels.storage.send(toStorage.encode(message)),
});

function beginWhenReady(slice: Slice): void {
  if (slice.phase !== 'waiting' || slice.platform === undefined || slice.requested === undefined) return;
  slice.phase = 'booting';
  slice.boot = beginBoot(slice.platform, slice.requested, bootPorts(slice));
}

function refuse(slice: Slice, reason: string): void {
  slice.phase = 'over';
  tellLauncher(slice, { kind: 'boot.refused', reason });
}

function handleExit(slice: Slice, exit: HartExit): void {
  const outcome: ExitOutcome | undefined =
    exit.reason === 'sbi' ? systemReset(exit.values) : testFinisher(Number(exit.values[0] ?? 0n));
  if (outcome?.kind === 'end') {
    end(slice, outcome.end, outcome.reason);
    return;
  }
  const { hart } = exit;
  if (outcome !== undefined) tellMachine(slice, { kind: 'state.write', hart, error: outcome.error, value: 0n });
  tellMachine(slice, { kind: 'hart.run', hart, budget: 0n });
}

function end(slice: Slice, how: 'power-off' | 'reset' | 'failed', reason: string): void {
  if (slice.phase === 'over') return;
  slice.phase = 'over';
  tellLauncher(slice, { kind: 'run.end', end: how, reason });
}
