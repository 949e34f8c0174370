import type { Primitives } from '@cloister/crypto';
import type { Scheme } from './scheme.ts';
import { aPdp, ePdp } from './schemes/a-pdp.ts';
import { cporPrivate } from './schemes/cpor-private.ts';
import { cporPublic } from './schemes/cpor-public.ts';
import { dhtPa } from './schemes/dht-pa.ts';
import { dpdp } from './schemes/dpdp.ts';
import { flexDpdp } from './schemes/flex-dpdp.ts';
import { gmacCpor } from './schemes/gmac-cpor.ts';
import { macPdp } from './schemes/mac-pdp.ts';
import { mhtPa } from './schemes/mht-pa.ts';
import { mrPdp } from './schemes/mr-pdp.ts';
import { pppas } from './schemes/pppas.ts';
import { sepdp } from './schemes/sepdp.ts';
import { sepdpDynamic } from './schemes/sepdp-dynamic.ts';
import { sha256Merkle } from './schemes/sha256-merkle.ts';

/** Every scheme by its name. */
export const SCHEMES = {
  'a-pdp': aPdp,
  'cpor-private': cporPrivate,
  'cpor-public': cporPublic,
  'dht-pa': dhtPa,
  dpdp,
  'e-pdp': ePdp,
  'flex-dpdp': flexDpdp,
  'gmac-cpor': gmacCpor,
  'mac-pdp': macPdp,
  'mht-pa': mhtPa,
  'mr-pdp': mrPdp,
  pppas,
  sepdp,
  'sepdp-dynamic': sepdpDynamic,
  'sha256-merkle': sha256Merkle,
} as const satisfies Readonly<Record<string, (primitives: Primitives) => Scheme>>;

export type SchemeName = keyof typeof SCHEMES;
