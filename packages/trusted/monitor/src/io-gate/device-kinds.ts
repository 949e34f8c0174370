import { BLOCK_KIND } from './block/device.ts';
import { serveBlock } from './block/requests.ts';
import { CONSOLE_KIND } from './console/device.ts';
import { serveConsole } from './console/requests.ts';
import { type Device, FEATURE, type Gate } from './device.ts';
import type { DeviceKind } from './device-kind.ts';
import { RNG_KIND } from './rng/device.ts';
import { serveRng } from './rng/requests.ts';

/** The kinds of devices there are; gate and transport know none by name. */
const KINDS = { block: BLOCK_KIND, console: CONSOLE_KIND, rng: RNG_KIND } as const;

/** The kind, ready to be called with `device.state`. */
const kindOf = (device: Device): DeviceKind<unknown> => KINDS[device.kind];

/** Offered feature bits 0..31 and 32..63. No ACCESS_PLATFORM: addresses are guest physical. */
export function offeredFeatures(device: Device): readonly [number, number] {
  return [kindOf(device).features(device.state) | FEATURE.indirect | FEATURE.eventIndex, FEATURE.version1High];
}

export function deviceConfig(device: Device): Uint8Array {
  return kindOf(device).config(device.state);
}

export function resetDevice(device: Device): void {
  kindOf(device).reset(device.state);
}

/** Requests that have left the gate and were not answered yet. */
export function hasRequestsUnderWay(device: Device): boolean {
  return device.kind === 'block' && device.state.requests.size + device.state.unchecked.size > 0;
}

/** Takes what waits in the queue, as far as the device's budget reaches. */
export function serveQueue(gate: Gate, device: Device, queue: number): void {
  switch (device.kind) {
    case 'block':
      serveBlock(gate, device);
      break;
    case 'console':
      serveConsole(gate, device, queue);
      break;
    case 'rng':
      serveRng(gate, device);
      break;
  }
}
