import { BLOCK_REPLY, BLOCK_REQUEST, BLOCK_RESEND, BLOCK_RESENDING } from './device/block.ts';
import { PORT_MESSAGES, PORT_RESIZE } from './device/console.ts';
import { HYPELET_ANSWERS, HYPELET_CALLS } from './hypelet-calls.ts';
import { LAUNCH_ANSWERS, LAUNCH_COMMANDS } from './launch.ts';
import { type MessageOf, type MessageSet, messageSet } from './message.ts';
import { PLATFORM_MESSAGE } from './platform.ts';

const { 'hart.exit': HART_EXIT, ...SLICE_SENDS } = HYPELET_CALLS;

/** A machine accepts three kinds of messages: HypeLet calls, completions of gate requests, life-cycle commands. */
const TO_MACHINE = {
  ...SLICE_SENDS,
  ...BLOCK_REPLY,
  ...BLOCK_RESEND,
  ...PORT_MESSAGES,
  ...PORT_RESIZE,
  ...LAUNCH_COMMANDS,
} as const;

const FROM_MACHINE = {
  ...PLATFORM_MESSAGE,
  ...LAUNCH_ANSWERS,
  'hart.exit': HART_EXIT,
  ...HYPELET_ANSWERS,
  ...BLOCK_REQUEST,
  ...BLOCK_RESENDING,
  ...PORT_MESSAGES,
} as const;

export type ToMachine = MessageOf<typeof TO_MACHINE>;
export type FromMachine = MessageOf<typeof FROM_MACHINE>;

/** From the slice to its machine. */
export const toMachine: MessageSet<ToMachine> = messageSet(TO_MACHINE);
/** From the machine to its slice. */
export const fromMachine: MessageSet<FromMachine> = messageSet(FROM_MACHINE);

export type HartExit = Extract<FromMachine, { kind: 'hart.exit' }>;
export type BlockRequest = Extract<FromMachine, { kind: 'block.request' }>;
export type BlockReply = Extract<ToMachine, { kind: 'block.reply' }>;
