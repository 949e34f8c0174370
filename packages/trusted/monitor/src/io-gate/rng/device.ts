import type { DeviceKind } from '../device-kind.ts';

/** The entropy device keeps nothing (virtio 1.2 §5.4). */
export type RngState = Readonly<Record<string, never>>;

export const RNG_KIND: DeviceKind<RngState> = {
  pci: { virtioId: 4, classCode: 0x00ff00, hasDeviceConfig: false },
  queueCount: () => 1,
  features: () => 0,
  config: () => new Uint8Array(0),
  reset: () => {},
};
