import { schemeLaws } from '../testing/scheme-laws.ts';
import { cporPublic } from './cpor-public.ts';

schemeLaws('cpor-public', { scheme: cporPublic, blockBytes: 64, keys: { blockBytes: 64 } });
