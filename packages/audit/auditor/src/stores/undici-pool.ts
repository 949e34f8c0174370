import type { Pool } from 'undici';

/**
 * undici's connections, and nothing else of it: all of it (fetch, web sockets, caches) takes 0.1 s to load, this 0.03 s, and only
 * who asks a server pays that.
 */
export const undiciPool = async (): Promise<{ readonly Pool: typeof Pool }> => {
  // @ts-expect-error It has no types of its own.
  const { default: pool } = await import('undici/lib/dispatcher/pool.js');
  return { Pool: pool as typeof Pool };
};
