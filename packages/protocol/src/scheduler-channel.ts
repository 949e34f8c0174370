import { type MessageOf, type MessageSet, messageSet } from './message.ts';

const TO_SCHEDULER = {
  /** This VM's hart has used up what it was granted. Repeated before the grant comes, it means nothing. */
  'run.ask': { code: 0x70, fields: {} },
} as const;

const FROM_SCHEDULER = {
  /** For `hart.run` (`grant.ts`): the slice can neither make nor repeat one. */
  'run.grant': { code: 0x78, fields: { microseconds: 'u32', sequence: 'u64', mac: 'bytes' } },
} as const;

/** From a slice to the scheduler. */
export const toScheduler: MessageSet<MessageOf<typeof TO_SCHEDULER>> = messageSet(TO_SCHEDULER);
/** From the scheduler to a slice. */
export const fromScheduler: MessageSet<MessageOf<typeof FROM_SCHEDULER>> = messageSet(FROM_SCHEDULER);
