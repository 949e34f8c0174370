import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TpmQuote } from '@cloister/evidence';
import { readIfThere, writeAtomically } from '@cloister/files';
import { type AuditRoot, SEALING_KEY_BYTES } from '@cloister/protocol';
import { Decrypter, Encrypter } from 'age-encryption';
import { fail, failFile } from './audit-error.ts';
import { type CounterHome, fileCounter } from './counter-home.ts';
import { keysDirectory } from './keys-directory.ts';
import { makeStoreCounter, openStoreCounter, removeStoreCounter } from './store-counter.ts';
import { makeTpmHome, openTpmHome, removeTpmHome } from './tpm-home.ts';

/**
 * Where an audit's sealing key lives. `file`: it lies there as it is, which protects against nothing but copies of the
 * state alone. `passphrase` and `recipient`: in a file of the age format (age-encryption.org/v1), which opens with the
 * owner's passphrase or identity, here or with any age. `tpm`: sealed to what this machine has booted and what the enclave
 * is, with the counter in the TPM, too.
 */
export type KeyHome =
  | { readonly kind: 'file' }
  | { readonly kind: 'passphrase' }
  | { readonly kind: 'tpm' }
  | { readonly kind: 'recipient'; readonly recipient: string };

/** How a key that does not lie open is opened. */
export interface Unlock {
  /** Asks for a passphrase: a new one, or the one that was given before. */
  passphrase(purpose: 'new' | 'known'): Promise<string>;
  /** Secret keys of age (`AGE-SECRET-KEY-…`). */
  identities(): Promise<readonly string[]>;
}

const openPath = (name: string): string => join(keysDirectory(), `${name}.key`);
const agePath = (name: string): string => join(keysDirectory(), `${name}.key.age`);

/** An open home: the key, and the counter that lives with it. */
export interface Home {
  readonly root: AuditRoot;
  readonly key: Uint8Array;
  readonly counter: CounterHome;
  /** What the machine says of itself, with a nonce. */
  quote?(nonce: Uint8Array): Promise<TpmQuote>;
}

/**
 * A new sealing key, in its home.
 * @param measured 32 bytes: what the enclave is
 * @param counterAt the second store that is to keep the counter; empty for none
 * @throws AuditError `bad-key` for a recipient that is none, `no-tpm`, `bad-counter`, `state-unwritable`
 */
export async function makeHome(
  name: string,
  home: KeyHome,
  counterAt: string,
  unlock: Unlock,
  measured: Uint8Array,
): Promise<Home> {
  const key = crypto.getRandomValues(new Uint8Array(SEALING_KEY_BYTES));
  if (home.kind === 'tpm') {
    if (counterAt !== '') fail('bad-counter', 'A TPM that keeps the key keeps the counter, too');
    return makeTpmHome(name, key, measured);
  }
  // Before the key: where that is, its counter is known.
  const counter = await makeStoreCounter(name, counterAt);
  const [path, content] =
    home.kind === 'file' ? [openPath(name), key] : [agePath(name), await sealed(key, home, unlock)];
  await writeAtomically(path, content).catch((error) => failFile(path, error));
  return { root: 'software', key, counter: counter ?? fileCounter(name) };
}

async function sealed(
  key: Uint8Array,
  home: Exclude<KeyHome, { kind: 'file' | 'tpm' }>,
  unlock: Unlock,
): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  if (home.kind === 'passphrase') encrypter.setPassphrase(await unlock.passphrase('new'));
  else
    try {
      encrypter.addRecipient(home.recipient);
    } catch (error) {
      fail('bad-key', `"${home.recipient}" is no recipient of age`, error);
    }
  return encrypter.encrypt(key);
}

/** The home of an audit's key; undefined if there is none. @throws AuditError `bad-key`, `no-tpm` */
export async function openHome(name: string, unlock: Unlock, measured: Uint8Array): Promise<Home | undefined> {
  const open = await readIfThere(openPath(name));
  const file = open === undefined ? await readIfThere(agePath(name)) : undefined;
  const key = file === undefined ? open : await opened(agePath(name), file, unlock);
  if (key === undefined) return openTpmHome(name, measured);
  if (key.length !== SEALING_KEY_BYTES) fail('bad-key', `"${openPath(name)}" is no key`);
  return { root: 'software', key, counter: (await openStoreCounter(name)) ?? fileCounter(name) };
}

async function opened(path: string, file: Uint8Array, unlock: Unlock): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  // The header says in its first stanza what it was made for.
  const isPassphrase = /^age-encryption\.org\/v1\n-> scrypt /.test(
    Buffer.from(file.subarray(0, 64)).toString('latin1'),
  );
  const secrets = isPassphrase ? [await unlock.passphrase('known')] : await unlock.identities();
  try {
    for (const secret of secrets)
      if (isPassphrase) decrypter.addPassphrase(secret);
      else decrypter.addIdentity(secret);
    return await decrypter.decrypt(file);
  } catch (error) {
    return fail('bad-key', `The key in "${path}" does not open`, error);
  }
}

/** Forgets a key and its counter, wherever they live. @throws AuditError `no-tpm` */
export async function removeHome(name: string, warn: (line: string) => void): Promise<void> {
  for (const path of [openPath(name), agePath(name)]) await rm(path, { force: true });
  await fileCounter(name).remove();
  await removeStoreCounter(name, warn);
  await removeTpmHome(name);
}
