import { schemeLaws } from '../testing/scheme-laws.ts';
import { pppas } from './pppas.ts';

schemeLaws('pppas', { scheme: pppas, blockBytes: 64, keys: { blockBytes: 64 } });
