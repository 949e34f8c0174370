import { expect, test } from 'vitest';
import { encodeUri, signer } from './sign.ts';

const sign = signer(
  { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  'us-east-1',
);
const now = new Date('2013-05-24T00:00:00Z');
const host = 'examplebucket.s3.amazonaws.com';
const signatureOf = (headers: Readonly<Record<string, string>>): string =>
  headers.authorization!.split('Signature=')[1]!;

// "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk", its examples.
test("AWS's example of a GET with a range", () => {
  const request = { method: 'GET', host, path: '/test.txt', query: {}, headers: { range: 'bytes=0-9' } };
  expect(signatureOf(sign(request, now))).toBe('f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41');
});

test("AWS's example of a listing", () => {
  const request = { method: 'GET', host, path: '/', query: { 'max-keys': '2', prefix: 'J' }, headers: {} };
  expect(signatureOf(sign(request, now))).toBe('34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7');
});

test('names are encoded byte by byte', () => {
  expect(encodeUri("a b/ü+'(~)", true)).toBe('a%20b/%C3%BC%2B%27%28~%29');
  expect(encodeUri('a/b')).toBe('a%2Fb');
});
