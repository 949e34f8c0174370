import { dynamicLaws } from '../testing/dynamic-laws.ts';
import { schemeLaws } from '../testing/scheme-laws.ts';
import { mhtPa } from './mht-pa.ts';

const settings = { scheme: mhtPa, blockBytes: 64, keys: { blockBytes: 64 } };
schemeLaws('mht-pa', settings);
dynamicLaws('mht-pa', { ...settings, provesUpdates: true });
