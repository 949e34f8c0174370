import { expect, test } from 'vitest';
import { schemesPage } from './schemes-page.ts';

test('docs/schemes.md is what the schemes say of themselves', async () => {
  await expect(schemesPage()).toMatchFileSnapshot('../docs/schemes.md');
});
