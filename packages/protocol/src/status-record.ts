/**
 * What a compartment tells the launcher, now and then and always in full: a record of fixed length, of which the
 * launcher reads the first byte and passes the rest on to whoever asks. That one comes is the compartment's sign of life.
 */
export const STATUS_BYTES = 256;

/** How often a compartment gives its sign of life, in milliseconds. */
export const STATUS_INTERVAL_MS = 500;

/** First byte: the compartment asks for another far end of its link, which broke the protocol. */
export const COMPLAINT = { none: 0, slice: 1 } as const;
