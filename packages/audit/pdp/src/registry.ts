import type { Primitives } from '@cloister/crypto';
import type { Scheme } from './scheme.ts';
import { cporPublic } from './schemes/cpor-public.ts';
import { dhtPa } from './schemes/dht-pa.ts';
import { macPdp } from './schemes/mac-pdp.ts';
import { mhtPa } from './schemes/mht-pa.ts';
import { pppas } from './schemes/pppas.ts';

/** Every scheme by its name. */
export const SCHEMES = {
  'cpor-public': cporPublic,
  'dht-pa': dhtPa,
  'mac-pdp': macPdp,
  'mht-pa': mhtPa,
  pppas,
} as const satisfies Readonly<Record<string, (primitives: Primitives) => Scheme>>;

export type SchemeName = keyof typeof SCHEMES;
