import { createHash, randomBytes } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere, writeAtomically } from '@cloister/files';
import { anyObject } from '@cloister/protocol';
import { fail, failFile } from '../audit-error.ts';
import { keysDirectory } from '../keys-directory.ts';
import type { AuditContext } from '../open-audit.ts';
import { withStateDirectory } from '../state-directory.ts';

/** What an owner has drawn for one offer. */
export interface DrawnNonce {
  /** It goes into the envelope, and shows who has sealed that. */
  readonly secret: Uint8Array;
  /** Its SHA-256, which goes into the offer. */
  readonly nonce: Uint8Array;
  /** Milliseconds since 1970. */
  readonly drawn: number;
}

const pathOf = (name: string): string => join(keysDirectory(), `${name}.nonce`);
const hashOf = (secret: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(secret).digest());

/** Draws a nonce for an offer to take this audit's keys; the one that was drawn before is void. @throws AuditError `no-audit` */
export async function drawNonce({ signal, warn }: AuditContext, name: string, now: number): Promise<DrawnNonce> {
  const waiting = (): void => warn?.('Another process works on this audit; waiting for it');
  return withStateDirectory(name, signal, waiting, async (directory) => {
    await stat(directory.path).catch(() => fail('no-audit', `There is no audit "${name}"`));
    const secret = new Uint8Array(randomBytes(32));
    const kept = JSON.stringify({ schema: 1, secret: Buffer.from(secret).toString('hex'), drawn: now });
    await writeAtomically(pathOf(name), `${kept}\n`).catch((error) => failFile(pathOf(name), error));
    return { secret, nonce: hashOf(secret), drawn: now };
  });
}

/** The nonce that waits for its offer. */
export async function drawnNonce(name: string): Promise<DrawnNonce | undefined> {
  const text = (await readIfThere(pathOf(name)))?.toString('latin1');
  if (text === undefined) return undefined;
  try {
    const kept: unknown = JSON.parse(text);
    const { schema, secret, drawn } = anyObject(kept) ? (kept as Readonly<Record<string, unknown>>) : {};
    if (schema === 1 && typeof secret === 'string' && /^[0-9a-f]{64}$/.test(secret) && Number.isSafeInteger(drawn)) {
      const bytes = new Uint8Array(Buffer.from(secret, 'hex'));
      return { secret: bytes, nonce: hashOf(bytes), drawn: drawn as number };
    }
  } catch {
    // Said below.
  }
  return fail('bad-state', `"${pathOf(name)}" is no nonce`);
}

/** A nonce is good for one offer. */
export const forgetNonce = (name: string): Promise<void> => rm(pathOf(name), { force: true });
