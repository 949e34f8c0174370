import { expect, test } from 'vitest';
import { hypeletPage } from './hypelet-page.ts';

test('docs/hypelet-calls.md is what its tables say', async () => {
  await expect(hypeletPage()).toMatchFileSnapshot('../docs/hypelet-calls.md');
});
