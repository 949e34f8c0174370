import { homedir, platform } from 'node:os';
import { join } from 'node:path';

/** What can be made anew, what a program remembers of what it did, and what its user cannot do without. */
export type Place = 'cache' | 'state' | 'data';

const XDG = {
  cache: ['XDG_CACHE_HOME', '.cache'],
  state: ['XDG_STATE_HOME', '.local/state'],
  data: ['XDG_DATA_HOME', '.local/share'],
} as const;

/**
 * Where this user's Cloister keeps things: `CLOISTER_HOME` with the place's name below it, else the platform's directory
 * (XDG Base Directory 0.8; `~/Library`; `%LOCALAPPDATA%`) with `cloister` at its end.
 */
export function placeOf(place: Place, env: NodeJS.ProcessEnv = process.env): string {
  if (env.CLOISTER_HOME) return join(env.CLOISTER_HOME, place);
  if (platform() === 'darwin') {
    const caches = join(homedir(), 'Library', 'Caches', 'cloister');
    return place === 'cache' ? caches : join(homedir(), 'Library', 'Application Support', 'cloister', place);
  }
  if (platform() === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'cloister', place);
  const [variable, otherwise] = XDG[place];
  // A relative value is to be ignored.
  const named = env[variable];
  return join(named?.startsWith('/') === true ? named : join(homedir(), otherwise), 'cloister');
}
