import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: [
      'packages/**/*.test.ts',
      'conformance/**/*.test.ts',
      'attacks/**/*.test.ts',
      'bench/**/*.test.ts',
      'tools/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**', '**/*.peer.test.ts'],
    testTimeout: 60_000,
    // Tests that boot a guest share an image cache that outlives the run, and is not the user's.
    env: {
      CLOISTER_CACHE_DIR:
        process.env.CLOISTER_TEST_CACHE ?? join(tmpdir(), `cloister-test-cache-${process.getuid?.() ?? 0}`),
    },
  },
});
