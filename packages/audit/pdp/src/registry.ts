import type { Primitives } from '@cloister/crypto';
import type { Scheme } from './scheme.ts';
import { aPdp, ePdp } from './schemes/a-pdp.ts';
import { cporPrivate } from './schemes/cpor-private.ts';
import { gmacCpor } from './schemes/gmac-cpor.ts';
import { macPdp } from './schemes/mac-pdp.ts';
import { mrPdp } from './schemes/mr-pdp.ts';

/** Every scheme by its name. */
export const SCHEMES = {
  'a-pdp': aPdp,
  'cpor-private': cporPrivate,
  'e-pdp': ePdp,
  'gmac-cpor': gmacCpor,
  'mac-pdp': macPdp,
  'mr-pdp': mrPdp,
} as const satisfies Readonly<Record<string, (primitives: Primitives) => Scheme>>;

export type SchemeName = keyof typeof SCHEMES;
