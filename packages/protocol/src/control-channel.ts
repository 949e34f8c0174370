import { PORT_MESSAGES, PORT_RESIZE } from './device/console.ts';
import { type MessageOf, type MessageSet, messageSet } from './message.ts';

const BLOBS = { oneOf: ['kernel', 'initrd', 'firmware'] } as const;

/** From the launcher to a slice. The launcher parses none of what it passes on. */
const TO_SLICE = {
  /** Boot this; the slice then asks for the bytes. No initrd, no firmware: 0 bytes. */
  'boot.start': {
    code: 0x60,
    fields: { commandLine: 'text', kernelBytes: 'size', initrdBytes: 'size', firmwareBytes: 'size' },
  },
  'boot.data': { code: 0x61, fields: { blob: BLOBS, offset: 'size', bytes: 'bytes' } },
  ...PORT_MESSAGES,
  ...PORT_RESIZE,
} as const;

const FROM_SLICE = {
  'boot.read': { code: 0x68, fields: { blob: BLOBS, offset: 'size', length: 'u32' } },
  /** The guest runs. */
  'boot.done': { code: 0x69, fields: {} },
  /** Nothing was started; `reason` is one line for the user. */
  'boot.refused': { code: 0x6a, fields: { reason: 'text' } },
  /** The run is over. */
  'run.end': { code: 0x6b, fields: { end: { oneOf: ['power-off', 'reset', 'failed'] }, reason: 'text' } },
  ...PORT_MESSAGES,
} as const;

export type ToSlice = MessageOf<typeof TO_SLICE>;
export type FromSlice = MessageOf<typeof FROM_SLICE>;

export const toSlice: MessageSet<ToSlice> = messageSet(TO_SLICE);
export const fromSlice: MessageSet<FromSlice> = messageSet(FROM_SLICE);
