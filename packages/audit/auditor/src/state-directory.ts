import { createHash } from 'node:crypto';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makePrivateDirectory, placeOf, readIfThere, withLock, writeAtomically } from '@cloister/files';
import { fail, failFile } from './audit-error.ts';
import { keysDirectory } from './keys-directory.ts';

/**
 * What is kept of one store: sealed by the enclave (`head`, `pages/`), or worth nothing to who would change it (`tags/`).
 * The sealing key has its home elsewhere; there lies the counter too, below which no head may be: so an older copy of this
 * directory is noticed, and one of both is not.
 */
export interface StateDirectory {
  readonly name: string;
  readonly path: string;
  /** Where tags lie. */
  readonly tags: string;
  /** Notes whose signatures to believe. */
  writeFingerprint(fingerprint: string): Promise<void>;
  /** The sealed head; undefined before the first commit. */
  head(): Promise<Uint8Array | undefined>;
  page(id: Uint8Array): Promise<Uint8Array | undefined>;
  writePage(id: Uint8Array, bytes: Uint8Array): Promise<void>;
  /** From here on what was committed is what there is. */
  writeHead(bytes: Uint8Array): Promise<void>;
  writeReceipt(number: number, bytes: Uint8Array): Promise<void>;
  /** Where the proofs of an audit that anybody can verify are written, until its receipt is there. */
  newProofs(): Promise<Proofs>;
  /** What the TPM says about a receipt, beside it. */
  writeQuote(number: number, bytes: Uint8Array): Promise<void>;
  /** The numbers of all receipts, in order. */
  receipts(): Promise<readonly number[]>;
  receipt(number: number): Promise<Uint8Array | undefined>;
  /** The proofs of an audit that anybody can verify. */
  proofs(number: number): Promise<Uint8Array | undefined>;
  /** The key that a prover works with. */
  publicKey(): Promise<Uint8Array | undefined>;
  writePublicKey(key: Uint8Array): Promise<void>;
  pack(name: string): string;
  /** Removes what no head refers to any more: what a killed process left. */
  sweep(live: { readonly pages: ReadonlySet<string>; readonly packs: ReadonlySet<string> }): Promise<void>;
  remove(): Promise<void>;
}

/** What a receipt has the hash of: CBOR, one record after the other (RFC 8742). */
export interface Proofs {
  append(proof: Uint8Array): Promise<void>;
  keep(number: number): Promise<void>;
  close(): Promise<void>;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const audits = (): string => join(placeOf('state'), 'audits');

/** What a store's audit is called: its last part, and something of the whole, since two may end alike. */
export function nameOf(store: string): string {
  const last = basename(store).replace(/[^A-Za-z0-9._-]+/g, '-') || 'root';
  return `${last.slice(0, 40)}-${createHash('sha256').update(store).digest('hex').slice(0, 8)}`;
}

/** The names of all audits of this user. */
export async function auditNames(): Promise<readonly string[]> {
  const entries = await readdir(audits(), { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.endsWith('.lock'))
    .map(({ name }) => name)
    .sort();
}

/** The SHA-256 of the key that an audit's receipts are signed with, in hexadecimal, as it was noted when it was made. */
export async function fingerprintOf(name: string): Promise<string | undefined> {
  return (await readIfThere(join(keysDirectory(), `${name}.fingerprint`)))?.toString('latin1').trim();
}

/** An audit's directory, only to be read. */
export const openDirectory = (name: string): Pick<StateDirectory, 'receipts' | 'receipt' | 'proofs' | 'publicKey'> =>
  directoryAt(name);

/** Runs `work` on an audit's directory, which no other process works on meanwhile. */
export async function withStateDirectory<T>(
  name: string,
  signal: AbortSignal | undefined,
  waiting: (owner: number | undefined) => void,
  work: (directory: StateDirectory) => Promise<T>,
): Promise<T> {
  const lock = join(audits(), `${name}.lock`);
  try {
    return await withLock(lock, signal, waiting, () => work(directoryAt(name)));
  } catch (error) {
    if (signal?.aborted === true) fail('aborted', 'Interrupted', error);
    failFile(lock, error);
  }
}

/** The same directory, whose tags lie beside the data. */
export const withTagsAt = (directory: StateDirectory, tags: string): StateDirectory =>
  directoryAt(directory.name, tags);

function directoryAt(name: string, tags = join(audits(), name, 'tags')): StateDirectory {
  const path = join(audits(), name);
  const at = (...parts: readonly string[]): string => join(path, ...parts);
  const receiptAt = (number: number): string => at('receipts', `${String(number).padStart(8, '0')}.cose`);
  const proofsAt = (number: number): string => receiptAt(number).replace(/cose$/, 'proofs');
  const write = (file: string, content: Uint8Array | string): Promise<void> =>
    writeAtomically(file, content).catch((error) => failFile(file, error));

  return {
    name,
    path,
    tags,
    writeFingerprint: (fingerprint) => write(join(keysDirectory(), `${name}.fingerprint`), `${fingerprint}\n`),
    head: () => readIfThere(at('head')),
    page: (id) => readIfThere(at('pages', hex(id))),
    writePage: (id, bytes) => write(at('pages', hex(id)), bytes),
    writeHead: (bytes) => write(at('head'), bytes),
    writeReceipt: (number, bytes) => write(receiptAt(number), bytes),
    async newProofs() {
      await makePrivateDirectory(at('receipts')).catch((error) => failFile(path, error));
      const temporary = at('receipts', 'proofs.new');
      const file = await open(temporary, 'w', 0o600).catch((error) => failFile(temporary, error));
      const kept = async <T>(work: () => Promise<T>): Promise<T> => work().catch((error) => failFile(temporary, error));
      return {
        append: async (proof) => void (await kept(() => file.write(proof))),
        keep: (number) =>
          kept(async () => {
            await file.sync();
            await rename(temporary, proofsAt(number));
          }),
        close: () => file.close(),
      };
    },
    writeQuote: (number, bytes) => write(`${receiptAt(number)}.quote`, bytes),
    async receipts() {
      const files = await readdir(at('receipts')).catch(() => []);
      return files
        .flatMap((file) => /^(\d{8})\.cose$/.exec(file)?.[1] ?? [])
        .map(Number)
        .sort((one, other) => one - other);
    },
    receipt: (number) => readIfThere(receiptAt(number)),
    proofs: (number) => readIfThere(proofsAt(number)),
    publicKey: () => readIfThere(at('public')),
    writePublicKey: (key) => write(at('public'), key),
    pack: (pack) => join(tags, pack),
    async sweep({ pages, packs }) {
      for (const [folder, live] of [
        [at('pages'), pages],
        [tags, packs],
      ] as const)
        for (const file of await readdir(folder).catch(() => []))
          if (/^[0-9a-f]+$/.test(file) && !live.has(file)) await rm(join(folder, file), { force: true });
    },
    async remove() {
      await rm(path, { recursive: true, force: true });
      await rm(join(keysDirectory(), `${name}.fingerprint`), { force: true });
    },
  };
}

/** Tags that are written at once. */
const WRITE_BYTES = 64 * 1024;

/** Where tags are written, each extent's at a place of its own. */
export interface Pack {
  readonly name: string;
  write(at: number, tags: Uint8Array): Promise<void>;
  /** Until it has returned, a loss of power may lose what was written. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export async function newPack(directory: StateDirectory, name: string): Promise<Pack> {
  const path = directory.pack(name);
  await makePrivateDirectory(directory.tags).catch((error) => failFile(path, error));
  const file = await open(path, 'wx', 0o600).catch((error) => failFile(path, error));
  // Tags of short files are a few bytes each: what follows one another is written together.
  let waiting: Uint8Array[] = [];
  let start = 0;
  let end = 0;
  const writeOut = async (): Promise<void> => {
    const bytes = Buffer.concat(waiting);
    waiting = [];
    if (bytes.length > 0) await file.write(bytes, 0, bytes.length, start).catch((error) => failFile(path, error));
    start = end;
  };
  return {
    name,
    async write(at, tags) {
      if (at !== end || end - start >= WRITE_BYTES) {
        await writeOut();
        start = at;
      }
      waiting.push(tags);
      end = at + tags.length;
    },
    async flush() {
      await writeOut();
      await file.sync().catch((error) => failFile(path, error));
    },
    close: () => file.close(),
  };
}

/** Tags of neighbours are read together, and so many stretches are kept. */
const STRETCH_BYTES = 64 * 1024;
const STRETCHES_MAX = 64;

/** Tags as they lie there; fewer bytes where they are not. */
export function packReader(directory: StateDirectory): {
  read(pack: string, at: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
} {
  const files = new Map<string, Promise<Awaited<ReturnType<typeof open>> | undefined>>();
  const stretches = new Map<string, Promise<Uint8Array>>();

  async function stretch(pack: string, number: number): Promise<Uint8Array> {
    let file = files.get(pack);
    if (file === undefined) {
      file = /^[0-9a-f]{16}$/.test(pack)
        ? open(directory.pack(pack), 'r').catch(() => undefined)
        : Promise.resolve(undefined);
      files.set(pack, file);
    }
    const bytes = Buffer.alloc(STRETCH_BYTES);
    const { bytesRead } = (await (await file)?.read(bytes, 0, STRETCH_BYTES, number * STRETCH_BYTES)) ?? {
      bytesRead: 0,
    };
    return bytes.subarray(0, bytesRead);
  }

  return {
    async read(pack, at, length) {
      const parts: Uint8Array[] = [];
      for (let from = at; from < at + length; ) {
        const number = Math.floor(from / STRETCH_BYTES);
        const key = `${pack} ${number}`;
        const known = stretches.get(key) ?? stretch(pack, number);
        stretches.set(key, known);
        if (stretches.size > STRETCHES_MAX) stretches.delete(stretches.keys().next().value!);
        const inside = from - number * STRETCH_BYTES;
        const part = (await known).subarray(inside, inside + at + length - from);
        if (part.length === 0) break;
        parts.push(part);
        from += part.length;
      }
      return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    },
    async close() {
      for (const file of files.values()) await (await file)?.close();
    },
  };
}
