import { ringDoorbell } from '@cloister/hardware';
import { type Gate, liveQueue, nextChain, notifyUsed, type RngDevice, stopDevice } from '../device.ts';
import { returnChain, writeInto } from '../split-ring.ts';

/** Random bytes for one chain at the most; the driver asks again for more (virtio 1.2 §5.4.6). */
const RANDOM_BYTES_MAX = 4096;

/** The gate answers for itself: no slice sees or chooses the guest's entropy. */
export function serveRng(gate: Gate, device: RngDevice): void {
  const queue = liveQueue(device, 0);
  if (queue === undefined) return;
  for (let served = 0; ; served += 1) {
    if (served === queue.size) {
      // A driver that never stops asking doesn't keep the monitor.
      ringDoorbell(gate.board, device.number, 0);
      break;
    }
    const chain = nextChain(gate, device, queue);
    if (chain === undefined) break;
    if (chain.readable.length > 0 || chain.writableBytes === 0) {
      stopDevice(gate, device, 'a request for entropy must have room and nothing to read');
      return;
    }
    const bytes = gate.random(Math.min(chain.writableBytes, RANDOM_BYTES_MAX));
    writeInto(gate.memory, chain, 0, bytes);
    returnChain(gate.memory, queue, chain, bytes.length);
  }
  notifyUsed(gate, device, queue);
}
