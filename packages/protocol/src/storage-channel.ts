import { BLOCK_REPLY, BLOCK_REQUEST } from './device/block.ts';
import { type MessageOf, type MessageSet, messageSet } from './message.ts';

/** From a slice to storage. `store` counts the stores that the launcher bound to this channel, and no others. */
export const toStorage: MessageSet<MessageOf<typeof BLOCK_REQUEST>> = messageSet(BLOCK_REQUEST);
/** From storage to a slice. */
export const fromStorage: MessageSet<MessageOf<typeof BLOCK_REPLY>> = messageSet(BLOCK_REPLY);
