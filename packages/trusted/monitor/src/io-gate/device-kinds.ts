import { BLOCK_KIND } from './block/device.ts';
import { serveBlock } from './block/requests.ts';
import { CONSOLE_KIND } from './console/device.ts';
import { serveConsole } from './console/requests.ts';
import type { Device } from './device.ts';
import type { DeviceKind } from './device-kind.ts';
import { RNG_KIND } from './rng.ts';

/** The kinds of devices there are; gate and transport know none by name. */
const KINDS = {
  block: { ...BLOCK_KIND, serve: serveBlock },
  console: { ...CONSOLE_KIND, serve: serveConsole },
  rng: RNG_KIND,
} satisfies { [Kind in Device['kind']]: DeviceKind<Extract<Device, { kind: Kind }>> };

/** The kind, ready to be called with the device and its state. */
export const kindOf = ({ kind }: Pick<Device, 'kind'>): DeviceKind<Device> => KINDS[kind] as DeviceKind<Device>;
