import { execFileSync } from 'node:child_process';

/** Bytes a second of CPU time by `openssl speed`, in messages of `bytes` under one key; undefined without OpenSSL's command. */
export function opensslBytesPerSecond(
  algorithm: 'ghash' | 'sha256' | 'aes-256-gcm',
  bytes: number,
): number | undefined {
  const name = algorithm === 'aes-256-gcm' ? ['-evp', algorithm] : [algorithm];
  const thousands = speed(['-bytes', String(bytes), ...name])?.match(/^\S+\s+([\d.]+)k\s*$/m)?.[1];
  return thousands === undefined ? undefined : 1000 * Number(thousands);
}

/** Seconds of CPU time for RSA's private operation. */
export function opensslRsaSeconds(bits: number): number | undefined {
  const seconds = speed([`rsa${bits}`])?.match(/^rsa\s+\d+ bits\s+([\d.]+)s/m)?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}

function speed(args: readonly string[]): string | undefined {
  try {
    return execFileSync('openssl', ['speed', '-seconds', '1', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 60_000,
    });
  } catch {
    return undefined;
  }
}
