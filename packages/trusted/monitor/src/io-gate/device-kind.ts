import type { PciIdentity } from './pci-function.ts';

/** What differs between kinds of devices beside the serving of their queues. */
export interface DeviceKind<State> {
  readonly pci: PciIdentity;
  queueCount(state: State): number;
  /** The device's own feature bits, 0..23. */
  features(state: State): number;
  /** Its configuration structure; empty when it has none. */
  config(state: State): Uint8Array;
  /** Forgets what its driver made of it; nothing is under way. */
  reset(state: State): void;
}
