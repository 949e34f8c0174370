import { defineConfig } from 'vitest/config';

// What needs programs of Debian's; `.ci/run` installs them.
export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: [
      'packages/**/*.peer.test.ts',
      'conformance/**/*.peer.test.ts',
      'attacks/**/*.peer.test.ts',
      'bench/**/*.peer.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 300_000,
  },
});
