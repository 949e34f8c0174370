import type { Device, Gate } from './device.ts';
import type { PciIdentity } from './pci-function.ts';

/** What differs between kinds of devices. */
export interface DeviceKind<Of extends Device> {
  readonly pci: PciIdentity;
  /** The device's own feature bits, 0..23. */
  features(state: Of['state']): number;
  /** Its configuration structure; empty when it has none. */
  config(state: Of['state']): Uint8Array;
  /** Whether requests have left the gate and were not answered yet. */
  isBusy(state: Of['state']): boolean;
  /** Forgets what its driver made of it; nothing is under way. */
  reset(state: Of['state']): void;
  /** Takes what waits in the queue, as far as the device's budget reaches. */
  serve(gate: Gate, device: Of, queue: number): void;
}
