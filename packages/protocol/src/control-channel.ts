import { PORT_MESSAGES, PORT_RESIZE } from './device/console.ts';
import { type MessageOf, type MessageSet, messageSet } from './message.ts';

/** From the client to its VM's slice. */
const TO_SLICE = {
  /**
   * Boot this, unless the machine runs already. `kernel`, `initrd` and `firmware` are stores, from which the slice reads
   * as many bytes; no initrd, no firmware: 0 bytes.
   */
  'boot.start': {
    code: 0x60,
    fields: {
      commandLine: 'text',
      kernel: 'u16',
      kernelBytes: 'size',
      initrd: 'u16',
      initrdBytes: 'size',
      firmware: 'u16',
      firmwareBytes: 'size',
    },
  },
  ...PORT_MESSAGES,
  ...PORT_RESIZE,
} as const;

const FROM_SLICE = {
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
