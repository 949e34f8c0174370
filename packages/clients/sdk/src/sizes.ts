import { fail } from './failure.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };
const MIB = 2 ** 20;
export const MEMORY_DEFAULT = 512 * MIB;
const MEMORY_MIN = 64 * MIB;
const MEMORY_MAX = 3 * 1024 * MIB;

/**
 * Guest memory in bytes from `512m`, `1g`, `1536MiB` or a number of bytes; rounded up to 2 MiB.
 * @throws `bad-memory` below 64 MiB, above 3 GiB, or for anything else
 */
export function parseMemory(text: string): number {
  const match = /^(\d{1,12})(?:([kmgb])(?:i?b)?)?$/i.exec(text.trim());
  if (match === null) fail('bad-memory', `"${text}" is not a size of memory`);
  const bytes = Number(match[1]) * UNITS[(match[2] ?? '').toLowerCase()]!;
  return checkMemory(bytes, text);
}

export function checkMemory(bytes: number, text = `${bytes} bytes`): number {
  if (!(bytes >= MEMORY_MIN)) fail('bad-memory', `"${text}" is too little memory for a guest`);
  if (bytes > MEMORY_MAX) fail('bad-memory', `"${text}" is more memory than a guest can have`);
  return Math.ceil(bytes / (2 * MIB)) * 2 * MIB;
}

/** Milliseconds from `90`, `30s`, `5m`, `1h`, `7d` (a bare number is seconds); throws `bad-usage`. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)?$/.exec(text.trim());
  if (match === null) fail('bad-usage', `"${text}" is not a duration`, { hint: 'Write it as 30s, 5m, 1h or 7d' });
  return (
    Number(match[1]) *
    { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[(match[2] ?? 's') as 'ms' | 's' | 'm' | 'h' | 'd']
  );
}
