import { BLOCK_REPLY, BLOCK_REQUEST, FILE_DATA, FILE_READ } from './device/block.ts';
import { type MessageOf, type MessageSet, messageSet } from './message.ts';

const TO_STORAGE = { ...BLOCK_REQUEST, ...FILE_READ } as const;
const FROM_STORAGE = { ...BLOCK_REPLY, ...FILE_DATA } as const;

export type ToStorage = MessageOf<typeof TO_STORAGE>;
export type FromStorage = MessageOf<typeof FROM_STORAGE>;
export type FileRead = Extract<ToStorage, { kind: 'file.read' }>;
export type FileData = Extract<FromStorage, { kind: 'file.data' }>;

/** From a slice to storage. `store` counts the stores that the launcher bound to this channel, and no others. */
export const toStorage: MessageSet<ToStorage> = messageSet(TO_STORAGE);
/** From storage to a slice. */
export const fromStorage: MessageSet<FromStorage> = messageSet(FROM_STORAGE);
