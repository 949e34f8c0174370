import { join } from 'node:path';
import { placeOf } from '@cloister/files';

/** Where keys, counters and fingerprints lie: apart from the states, so that a copy of those alone opens nothing. */
export const keysDirectory = (): string => join(placeOf('data'), 'audit-keys');
