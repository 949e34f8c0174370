/** A process that the launcher has started for the toolstack, or is about to. */
export interface Compartment {
  readonly pid: number | null;
  readonly level: string;
  /** SHA-256 of its code, in hexadecimal. */
  readonly code: string;
  /** The last record that it sent. */
  status(): Buffer | undefined;
  /**
   * Resolves once it runs. Until then the launcher may still read what comes for it on an attached connection, so whoever
   * is at the far end greets no earlier.
   */
  readonly started: Promise<void>;
  /** Resolves once it is gone: how, in words. */
  readonly ended: Promise<string>;
  /** Its link's far end is another process now, of a VM that it is told of. */
  notice(link: number, epoch: Uint8Array, settings?: unknown): void;
  /** Asks it to end. */
  stop(): void;
  kill(): void;
}
