import { type Gate, type RngDevice, serveChains } from './device.ts';
import type { DeviceKind } from './device-kind.ts';
import { writeInto } from './split-ring.ts';

/** Random bytes for one chain at the most; the driver asks again for more (virtio 1.2 §5.4.6). */
const RANDOM_BYTES_MAX = 4096;

/** The entropy device (virtio 1.2 §5.4). It keeps nothing. */
export const RNG_KIND: DeviceKind<RngDevice> = {
  pci: { virtioId: 4, classCode: 0x00ff00 },
  features: () => 0,
  config: () => new Uint8Array(0),
  isBusy: () => false,
  reset: () => undefined,
  serve: serveRng,
};

/** The gate answers for itself: no slice sees or chooses the guest's entropy. */
function serveRng(gate: Gate, device: RngDevice): void {
  serveChains(gate, device, 0, {
    serve(chain) {
      if (chain.readable.length > 0 || chain.writableBytes === 0)
        return 'a request for entropy must have room and nothing to read';
      const bytes = gate.random(Math.min(chain.writableBytes, RANDOM_BYTES_MAX));
      writeInto(gate.memory, chain, 0, bytes);
      return bytes.length;
    },
  });
}
