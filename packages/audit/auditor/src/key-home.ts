import { join } from 'node:path';
import { placeOf, readIfThere, writeAtomically } from '@cloister/files';
import { SEALING_KEY_BYTES } from '@cloister/protocol';
import { Decrypter, Encrypter } from 'age-encryption';
import { fail, failFile } from './audit-error.ts';

/**
 * Where an audit's sealing key lives. `file`: it lies there as it is, which protects against nothing but copies of the
 * state alone. `passphrase` and `recipient`: in a file of the age format (age-encryption.org/v1), which opens with the
 * owner's passphrase or identity, here or with any age.
 */
export type KeyHome =
  | { readonly kind: 'file' }
  | { readonly kind: 'passphrase' }
  | { readonly kind: 'recipient'; readonly recipient: string };

/** How a key that does not lie open is opened. */
export interface Unlock {
  /** Asks for a passphrase: a new one, or the one that was given before. */
  passphrase(purpose: 'new' | 'known'): Promise<string>;
  /** Secret keys of age (`AGE-SECRET-KEY-…`). */
  identities(): Promise<readonly string[]>;
}

export const keysDirectory = (): string => join(placeOf('data'), 'audit-keys');
const openPath = (name: string): string => join(keysDirectory(), `${name}.key`);
const agePath = (name: string): string => join(keysDirectory(), `${name}.key.age`);
export const keyPaths = (name: string): readonly string[] => [openPath(name), agePath(name)];

/** A new sealing key, in its home. @throws AuditError `bad-key` for a recipient that is none, `state-unwritable` */
export async function makeKey(name: string, home: KeyHome, unlock: Unlock): Promise<Uint8Array> {
  const key = crypto.getRandomValues(new Uint8Array(SEALING_KEY_BYTES));
  const [path, content] =
    home.kind === 'file' ? [openPath(name), key] : [agePath(name), await sealed(key, home, unlock)];
  await writeAtomically(path, content).catch((error) => failFile(path, error));
  return key;
}

async function sealed(key: Uint8Array, home: Exclude<KeyHome, { kind: 'file' }>, unlock: Unlock): Promise<Uint8Array> {
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

/** The key of an audit; undefined if there is none. @throws AuditError `bad-key` */
export async function openKey(name: string, unlock: Unlock): Promise<Uint8Array | undefined> {
  const open = await readIfThere(openPath(name));
  const file = open === undefined ? await readIfThere(agePath(name)) : undefined;
  const key = file === undefined ? open : await opened(agePath(name), file, unlock);
  if (key !== undefined && key.length !== SEALING_KEY_BYTES) fail('bad-key', `"${openPath(name)}" is no key`);
  return key;
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
