import { dynamicLaws } from '../testing/dynamic-laws.ts';
import { schemeLaws } from '../testing/scheme-laws.ts';
import { dhtPa } from './dht-pa.ts';

const settings = { scheme: dhtPa, blockBytes: 64, keys: { blockBytes: 64 } };
schemeLaws('dht-pa', settings);
dynamicLaws('dht-pa', { ...settings, provesUpdates: false });
