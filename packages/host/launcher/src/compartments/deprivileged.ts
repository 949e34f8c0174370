import type { Channel } from '@cloister/protocol';

/** A VM's slice and its storage, running somewhere: in this process, or each in one of its own. */
export interface Deprivileged {
  /** The machine's end of the channel between machine and slice. */
  readonly machine: Channel;
  /** The launcher's end of the channel between launcher and slice. */
  readonly control: Channel;
  /** Ends both; resolves once every write that was begun is done and nothing of them runs. */
  stop(): Promise<void>;
}
