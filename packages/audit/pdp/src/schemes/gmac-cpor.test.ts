import { schemeLaws } from '../testing/scheme-laws.ts';
import { gmacCpor } from './gmac-cpor.ts';

schemeLaws('gmac-cpor', { scheme: gmacCpor, blockBytes: 64 });
schemeLaws('gmac-cpor with blocks of no whole elements', { scheme: gmacCpor, blockBytes: 37 });
