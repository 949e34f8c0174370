import type { Attack } from './attack.ts';
import { BUILDER_ANSWERS } from './builder/answers.ts';
import { CHANGED_CODE } from './client/code.ts';
import { TOKENS } from './client/tokens.ts';
import { LOST_PARTS } from './fault/lost-parts.ts';
import { STORAGE_FAULTS } from './fault/storage-faults.ts';
import { GUEST_FLOODS } from './guest/floods.ts';
import { HART } from './guest/hart.ts';
import { PROCESS_ESCAPE } from './guest/process-escape.ts';
import { DEVICE_REGISTERS } from './guest/registers.ts';
import { RINGS } from './guest/rings.ts';
import { PROCESS_STORAGE } from './service/process-storage.ts';
import { SCHEDULER } from './service/scheduler.ts';
import { STORAGE } from './service/storage.ts';
import { CHANNELS } from './slice/channels.ts';
import { COMPLETIONS } from './slice/completions.ts';
import { CONTROL_FLOW } from './slice/control-flow.ts';
import { DISK_CONTENTS } from './slice/disk-contents.ts';
import { SLICE_FLOODS } from './slice/floods.ts';
import { FRAMES_OF_THE_GUEST } from './slice/frames.ts';
import { GRANTS } from './slice/grants.ts';
import { INTERRUPTS } from './slice/interrupts.ts';
import { LAUNCHES } from './slice/launch.ts';
import { LINK_FLOODS } from './slice/link-floods.ts';
import { OUT_OF_RANGE } from './slice/out-of-range.ts';
import { PROCESS_BOOT } from './slice/process-boot.ts';
import { PROCESS_MISBEHAVIOUR } from './slice/process-misbehaviour.ts';
import { PROCESS_REACH } from './slice/process-reach.ts';
import { REGISTERS_OF_EXITS } from './slice/registers.ts';

/** Hostile guests, slices, services and clients, and faults: every attack besides the probes. */
export const HOSTILE_PARTS: readonly Attack[] = [
  ...RINGS,
  ...DEVICE_REGISTERS,
  ...GUEST_FLOODS,
  ...HART,
  ...COMPLETIONS,
  ...DISK_CONTENTS,
  ...REGISTERS_OF_EXITS,
  ...CONTROL_FLOW,
  ...FRAMES_OF_THE_GUEST,
  ...INTERRUPTS,
  ...OUT_OF_RANGE,
  ...GRANTS,
  ...LAUNCHES,
  ...SLICE_FLOODS,
  ...LINK_FLOODS,
  ...CHANNELS,
  ...STORAGE,
  ...SCHEDULER,
  ...BUILDER_ANSWERS,
  ...STORAGE_FAULTS,
  ...LOST_PARTS,
  ...PROCESS_ESCAPE,
  ...PROCESS_BOOT,
  ...PROCESS_REACH,
  ...PROCESS_MISBEHAVIOUR,
  ...PROCESS_STORAGE,
  ...TOKENS,
  ...CHANGED_CODE,
];

/** Those on benches, which take no time, and two in processes. `npm run full -- attacks` tries all. */
export const QUICK_PARTS: readonly Attack[] = [
  ...HOSTILE_PARTS.filter(({ level }) => level === undefined),
  ...PROCESS_BOOT.slice(0, 1),
  ...PROCESS_MISBEHAVIOUR.slice(0, 1),
];
