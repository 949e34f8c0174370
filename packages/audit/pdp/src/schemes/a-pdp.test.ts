import { schemeLaws } from '../testing/scheme-laws.ts';
import { aPdp } from './a-pdp.ts';

schemeLaws('a-pdp', { scheme: aPdp, blockBytes: 64, keys: { modulusBits: 512, insecure: true } });
