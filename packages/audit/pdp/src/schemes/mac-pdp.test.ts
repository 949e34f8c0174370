import { schemeLaws } from '../testing/scheme-laws.ts';
import { macPdp } from './mac-pdp.ts';

schemeLaws('mac-pdp', { scheme: macPdp, blockBytes: 64 });
