import { expect, test } from 'vitest';
import { failFile } from './failure.ts';

test.each([
  ['ENOSPC', 'cache-full'],
  ['EDQUOT', 'cache-full'],
  ['EROFS', 'cache-unwritable'],
  ['EACCES', 'cache-unwritable'],
])('%s is one line with what to do', (code, expected) => {
  const error = Object.assign(new Error(code), { code });
  expect(() => failFile('/cache/x', error)).toThrow(
    expect.objectContaining({ code: expected, message: expect.stringContaining('"/cache/x"') }),
  );
});

test('what was not foreseen is not hidden', () => {
  const error = new TypeError('bug');
  expect(() => failFile('/x', error)).toThrow(error);
});
