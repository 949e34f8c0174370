import { createHash, createPublicKey, randomInt } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TpmQuote } from '@cloister/evidence';
import { readIfThere, writeAtomically } from '@cloister/files';
import { fail, failFile } from './audit-error.ts';
import { type CounterHome, localCounter } from './counter-home.ts';
import { keysDirectory } from './keys-directory.ts';
import { withTpm } from './tpm.ts';

/** The owner's indices (TCG Registry of Reserved TPM 2.0 Handles), but for the lowest, which others like. */
const INDEX = { first: 0x0150_0000, last: 0x0180_0000 };

const path = (name: string): string => join(keysDirectory(), `${name}.key.tpm`);

/** A sealing key and a counter that this machine's TPM keeps: other machines, boots and enclaves open nothing. */
export interface TpmHome {
  readonly root: 'tpm';
  readonly key: Uint8Array;
  readonly counter: CounterHome;
  quote(nonce: Uint8Array): Promise<TpmQuote>;
}

interface Kept {
  readonly schema: 1;
  readonly public: string;
  readonly private: string;
  readonly index: number;
  /** What the counter was before the first commit. */
  readonly base: number;
  /** SHA-256 of the key that quotes are signed with (its SubjectPublicKeyInfo), in hexadecimal. */
  readonly attestationKey: string;
}

/** @param measured what the enclave is @throws AuditError `no-tpm` */
export async function makeTpmHome(name: string, key: Uint8Array, measured: Uint8Array): Promise<TpmHome> {
  return withTpm(measured, async (tpm) => {
    const sealed = await tpm.seal(key);
    const index = randomInt(INDEX.first + 0x1000, INDEX.last);
    const base = await tpm.defineCounter(index);
    const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
    const spki = createPublicKey(await tpm.attestationKey()).export({ format: 'der', type: 'spki' });
    const kept: Kept = {
      ...{ schema: 1, public: base64(sealed.public), private: base64(sealed.private), index, base },
      attestationKey: createHash('sha256').update(spki).digest('hex'),
    };
    await writeAtomically(path(name), JSON.stringify(kept)).catch((error) => failFile(path(name), error));
    return homeOf(key, kept, measured);
  });
}

/** Undefined where there is none. @throws AuditError `bad-key` on another machine, in another state, or for another enclave */
export async function openTpmHome(name: string, measured: Uint8Array): Promise<TpmHome | undefined> {
  const kept = await keptAt(name);
  if (kept === undefined) return undefined;
  const bytes = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));
  const key = await withTpm(measured, (tpm) =>
    tpm.unseal({ public: bytes(kept.public), private: bytes(kept.private) }),
  );
  return homeOf(key, kept, measured);
}

const homeOf = (key: Uint8Array, kept: Kept, measured: Uint8Array): TpmHome => ({
  ...{ root: 'tpm', key, counter: counterOf(kept, measured) },
  quote: (nonce) => withTpm(measured, (tpm) => tpm.quote(nonce, kept.index)),
});

/** What the quotes of an audit are signed with, if a TPM keeps its key. @throws AuditError `bad-key` */
export const attestationKeyOf = async (name: string): Promise<string | undefined> =>
  (await keptAt(name))?.attestationKey;

async function keptAt(name: string): Promise<Kept | undefined> {
  const text = await readIfThere(path(name));
  if (text === undefined) return undefined;
  try {
    const kept = JSON.parse(text.toString('utf8')) as Kept;
    if (kept.schema === 1 && Number.isSafeInteger(kept.index) && Number.isSafeInteger(kept.base)) return kept;
  } catch {
    // Said below.
  }
  return fail('bad-key', `"${path(name)}" is no key of a TPM`);
}

function counterOf({ index, base }: Kept, measured: Uint8Array): CounterHome {
  const read = (): Promise<number> => withTpm(measured, async (tpm) => (await tpm.readCounter(index)) - base);
  // As often as needed: a kill between a commit and its step leaves the counter behind.
  const advance = (counter: number): Promise<void> =>
    withTpm(measured, async (tpm) => {
      for (let value = (await tpm.readCounter(index)) - base; value < counter; )
        value = (await tpm.increment(index)) - base;
    });
  return localCounter(read, advance);
}

/** Takes key and counter away; the TPM needs to be in no certain state for it. @throws AuditError `no-tpm` */
export async function removeTpmHome(name: string): Promise<void> {
  const kept = await keptAt(name);
  if (kept === undefined) return;
  await withTpm(new Uint8Array(32), (tpm) => tpm.removeCounter(kept.index));
  await rm(path(name), { force: true });
}
