import { FRAME } from '@cloister/hardware';
import { FRAME_BYTES, MEMORY_MAP } from '@cloister/protocol';
import type { GuestMemory } from '../io-gate/guest-memory.ts';

/** What a frame of guest RAM is: `sealed` contents are with the slice, and only the latest of them come back. */
const STATES = ['absent', 'present', 'sealed'] as const;

/** Who may use a frame's bytes. Frames that two VMs share get an owner of their own here. */
export type FrameOwner = 'nobody' | 'vm';

/**
 * The page information table (Fidelius §4.1): what each frame is, whose, where the guest sees it and how often it has
 * left. Hart and gate see of it the `absent` flag alone, which is set in every state but `present`. The bytes of a frame
 * that is not present are zeros.
 */
export interface Pit {
  readonly memory: GuestMemory;
  /** Index into `STATES` by frame number. */
  readonly states: Uint8Array;
  /** How often a frame has left sealed; 0 is not kept. */
  readonly versions: Map<number, number>;
}

/** The table of a machine to whose RAM nothing was stored, or whose frames' flags say where. */
export function createPit(memory: GuestMemory): Pit {
  const pit = { memory, states: new Uint8Array(memory.ram.length / FRAME_BYTES), versions: new Map<number, number>() };
  resetPit(pit);
  return pit;
}

/** Takes all frames away, with what was stored to them. */
export function resetPit({ memory, states, versions }: Pit): void {
  memory.absent = states.length;
  const { ram, frames } = memory;
  for (let frame = 0; frame < states.length; frame += 1) {
    // Untouched pages of the host stay untouched: a machine's start doesn't grow with its RAM.
    if ((frames[frame]! & FRAME.dirty) !== 0) ram.fill(0, frame * FRAME_BYTES, (frame + 1) * FRAME_BYTES);
    frames[frame] = FRAME.absent;
  }
  states.fill(STATES.indexOf('absent'));
  versions.clear();
}

export function pitEntry({ states, versions }: Pit, frame: number) {
  const state = STATES[states[frame]!]!;
  const owner: FrameOwner = state === 'absent' ? 'nobody' : 'vm';
  /** Its only guest physical address. */
  const address = MEMORY_MAP.ram.base + frame * FRAME_BYTES;
  return { state, owner, address, version: versions.get(frame) ?? 0 };
}

/** Whether all of these frames exist and are absent. */
export function allAbsent({ states }: Pit, frame: number, count: number): boolean {
  if (frame + count > states.length) return false;
  const absent = STATES.indexOf('absent');
  for (let at = frame; at < frame + count; at += 1) if (states[at] !== absent) return false;
  return true;
}

/** Gives the VM frames, whose bytes are zeros or are stored next. */
export function giveFrames({ memory, states }: Pit, frame: number, count: number): void {
  memory.absent -= count;
  states.fill(STATES.indexOf('present'), frame, frame + count);
  for (let at = frame; at < frame + count; at += 1) Atomics.and(memory.frames, at, ~FRAME.absent);
}

/** Takes a frame whose contents were sealed under its next version. */
export function takeFrame({ memory, states, versions }: Pit, frame: number): void {
  memory.absent += 1;
  states[frame] = STATES.indexOf('sealed');
  versions.set(frame, (versions.get(frame) ?? 0) + 1);
  Atomics.or(memory.frames, frame, FRAME.absent);
  memory.ram.fill(0, frame * FRAME_BYTES, (frame + 1) * FRAME_BYTES);
}

/** A frame's bytes as they lie in RAM. */
export function frameBytes({ memory }: Pit, frame: number): Uint8Array {
  return memory.ram.subarray(frame * FRAME_BYTES, (frame + 1) * FRAME_BYTES);
}
