// A cache that the tests against a real mirror share, so that each run of the suite downloads once.
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of the user's that outlives a run, or where `CLOISTER_TEST_CACHE` says. */
export function testCache(): string {
  return process.env.CLOISTER_TEST_CACHE ?? join(tmpdir(), `cloister-test-cache-${process.getuid?.() ?? 0}`);
}
