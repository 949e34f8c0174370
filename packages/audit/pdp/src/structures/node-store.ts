import type { Answer } from '@cloister/crypto';

/**
 * Where the records of an authenticated structure lie: a file, a table, memory. Records of one structure have one length
 * and are numbered from 0 without gaps, so that a flat file will do. Who reads them proves what they say; nobody believes them.
 */
export interface NodeStore {
  /** A record as it was put last, or undefined. */
  get(number: number): Answer<Uint8Array | undefined>;
  put(number: number, record: Uint8Array): Answer<void>;
}
