import { schemeLaws } from '../testing/scheme-laws.ts';
import { cporPrivate } from './cpor-private.ts';

schemeLaws('cpor-private', { scheme: cporPrivate, blockBytes: 64 });
