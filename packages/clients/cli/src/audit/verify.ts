import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  asSigned,
  countersGoUp,
  decodeQuote,
  type Measurement,
  NOTICES,
  type Quoted,
  type Verified,
  verdictOf,
  verifyQuote,
  verifyReceipt,
} from '@cloister/evidence';
import { attestationKeyOf, auditWithKey, CloisterError, type ProofsVerdict } from '@cloister/sdk';
import { of, plain, size } from './amounts.ts';
import { bytesAsHex } from './opened.ts';
import { bytesOf, proofsLine, proofsOf } from './proofs.ts';
import { type Measured, measuredLine, rebuiltHere, rebuiltLine, shownRebuilt } from './rebuild.ts';

/** No receipt of ours is longer. */
const RECEIPT_BYTES_MAX = 2 ** 20;
const GOOD = 0;
const NOT_VERIFIED = 1;
/** It verifies, but nobody has said that its key is to be believed. */
const REFUSED = 2;

export interface VerifyFlags {
  /** Any of them may have signed. */
  readonly key?: readonly string[];
  /** Whose TPM it must be. */
  readonly attestationKey?: string;
  readonly proofs?: string;
  readonly public?: string;
  /** Build the enclave anew from the sources, and compare. */
  readonly rebuild?: boolean;
  readonly json?: boolean;
}

/** `cloister verify`: 0 for receipts by a key that is known here or was given, 1 for a flaw, 2 for a stranger's key. */
export async function verifyReceipts(files: readonly string[], flags: VerifyFlags): Promise<number> {
  const { key: keys, json } = flags;
  for (const key of [...(keys ?? []), flags.attestationKey])
    if (key !== undefined && !/^[0-9a-f]{64}$/.test(key))
      throw new CloisterError('bad-usage', `"${key}" is no fingerprint`, { hint: 'Give 64 hexadecimal digits' });
  const signerOf = async (fingerprint: string): Promise<string | undefined> =>
    keys?.includes(fingerprint) === true ? fingerprint : await auditWithKey(fingerprint);
  if (files.length === 0 && flags.rebuild !== true)
    throw new CloisterError('bad-usage', 'Name a receipt, or give --rebuild', { hint: 'See "cloister verify --help"' });
  const again = await proofsOf(files, flags);
  const rebuilt = flags.rebuild === true ? await rebuiltHere() : undefined;
  const results: Result[] = [];
  for (const file of files) {
    const bytes = await bytesOf(file);
    const verified = verifiedBy(bytes, keys);
    const signer = verified.ok ? await signerOf(verified.fingerprint) : undefined;
    const batchSigner =
      verified.ok && verified.batch !== undefined ? await signerOf(verified.batch.fingerprint) : undefined;
    const proofs = verified.ok && again !== undefined ? await again(verified.claims.audit) : undefined;
    const attestationKey = flags.attestationKey ?? (signer === undefined ? undefined : await attestationKeyOf(signer));
    const measured = verified.ok && rebuilt?.ok === true ? rebuilt.compare(measurementsOf(verified)) : undefined;
    const signedHash = createHash('sha256')
      .update(asSigned(bytes) ?? bytes)
      .digest('hex');
    results.push({
      file,
      verified,
      signer,
      batchSigner,
      quote: await quoteOf(file, bytes, attestationKey),
      proofs,
      measured,
      signedHash,
    });
  }
  if (json === true) {
    const shown = results.map(({ file, verified, signer, batchSigner, quote, proofs, measured, signedHash }) => ({
      ...{ file, signer, batchSigner, measured, signedHash },
      quote: shownQuote(quote),
      proofs,
      ...shownReceipt(verified),
    }));
    process.stdout.write(
      `${JSON.stringify({ schema: 1, rebuilt: shownRebuilt(rebuilt), receipts: shown }, bytesAsHex, 2)}\n`,
    );
  } else {
    if (rebuilt !== undefined) process.stdout.write(`${rebuiltLine(rebuilt)}\n`);
    for (const { file, verified, signer, batchSigner, quote, proofs, measured } of results) {
      process.stdout.write(`${plain(file)}: ${receiptLine(verified)}\n`);
      if (!verified.ok) continue;
      const { fingerprint, batch } = verified;
      process.stdout.write(`  signed by ${called(signer, fingerprint)} (${fingerprint})\n`);
      if (batch !== undefined)
        process.stdout.write(
          `  receipt ${batch.index + 1} of ${batch.head.size} in a batch, whose head is signed by ${called(batchSigner, batch.fingerprint)} (${batch.fingerprint})\n`,
        );
      if (quote === 'wrong') process.stdout.write('  the quote of a TPM beside it does not verify\n');
      else if (quote === 'another key') process.stdout.write("  the quote beside it is another TPM's, or nobody's\n");
      else if (quote !== undefined)
        process.stdout.write(
          `  quoted by the TPM with the attestation key ${hex(quote.attestationKey)}: registers ${hex(quote.pcrDigest)}${counterText(quote)}\n`,
        );
      process.stdout.write(`  root "${verified.claims.root}": ${NOTICES[verified.claims.root]}\n`);
      if (proofs !== undefined) process.stdout.write(`  ${proofsLine(proofs)}\n`);
      if (measured !== undefined) process.stdout.write(`  measured: ${measuredLine(measured)}\n`);
    }
  }
  // Of two that do not agree, one was made from an older copy of the state.
  const isCountedRight = countersGoUp(
    results.flatMap(({ verified, quote }) =>
      verified.ok && typeof quote === 'object' && quote.counter !== undefined
        ? [{ ...verified.claims.audit, attestationKey: quote.attestationKey, counter: quote.counter }]
        : [],
    ),
  );
  if (!isCountedRight && json !== true)
    process.stdout.write("The TPM's counter does not go up with these receipts: an older state was put back\n");
  const isWrong = ({ verified, quote, proofs, measured }: Result): boolean =>
    !verified.ok ||
    typeof quote === 'string' ||
    proofs?.ok === false ||
    measured?.bundle === false ||
    measured?.filter === false;
  if (!isCountedRight || rebuilt?.ok === false || results.some(isWrong)) return NOT_VERIFIED;
  const isStrange = ({ verified, signer, batchSigner }: Result): boolean =>
    signer === undefined || (verified.ok && verified.batch !== undefined && batchSigner === undefined);
  return results.some(isStrange) ? REFUSED : GOOD;
}

interface Result {
  readonly file: string;
  readonly verified: Verified;
  /** The audit whose key it is, or the given key itself, and so for its batch's head; undefined for strangers. */
  readonly signer: string | undefined;
  readonly batchSigner: string | undefined;
  readonly quote: QuoteSeen;
  readonly proofs: ProofsVerdict | undefined;
  readonly measured: Measured | undefined;
  /** SHA-256 of the receipt without what was attached since: the nonce of its quote. */
  readonly signedHash: string;
}

/** Of the enclave that has audited, and of the one that has signed the batch. */
const measurementsOf = ({ claims, batch }: Extract<Verified, { ok: true }>): readonly Measurement[] =>
  batch === undefined ? [claims.measurement] : [claims.measurement, batch.head.measurement];

function called(signer: string | undefined, fingerprint: string): string {
  if (signer === undefined) return 'a key not known here';
  return signer === fingerprint ? 'a given key' : `"${signer}"`;
}

function verifiedBy(receipt: Uint8Array, keys: readonly string[] | undefined): Verified {
  const verified: Verified =
    receipt.length > RECEIPT_BYTES_MAX ? { ok: false, flaw: 'malformed' } : verifyReceipt(receipt);
  return verified.ok && keys?.includes(verified.fingerprint) === false ? { ok: false, flaw: 'another key' } : verified;
}

type QuoteSeen = Quoted | 'wrong' | 'another key' | undefined;

/** What the quote beside a receipt attests, if there is one. @param key what must have signed it, if anybody knows */
async function quoteOf(file: string, receipt: Uint8Array, key: string | undefined): Promise<QuoteSeen> {
  const bytes = await readFile(`${file}.quote`).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const quote = bytes.length > RECEIPT_BYTES_MAX ? undefined : decodeQuote(new Uint8Array(bytes));
  const quoted = quote && verifyQuote(quote, asSigned(receipt) ?? receipt);
  if (quoted === undefined) return 'wrong';
  return key === undefined || hex(quoted.attestationKey) === key ? quoted : 'another key';
}

const counterText = ({ counter }: Quoted): string =>
  counter === undefined ? '' : `; its counter 0x${counter.index.toString(16)} stood at ${counter.value}`;

const shownQuote = (quote: QuoteSeen): object | string | undefined =>
  typeof quote === 'object'
    ? { ...quote, attestationKey: hex(quote.attestationKey), pcrDigest: hex(quote.pcrDigest) }
    : quote;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** What a receipt says, in a line. */
export function receiptLine(verified: Verified): string {
  if (!verified.ok) return `does not verify: ${verified.flaw}`;
  const { iat, audit } = verified.claims;
  const when = new Date(iat * 1000).toISOString().slice(0, 16);
  const did = audit.prover === '' ? 'read' : `asked of ${plain(audit.prover)},`;
  const found = audit.findings === 0 ? '' : `, ${audit.findings} found`;
  return `${when}Z  ${verdictOf(audit.found)}: ${of(audit.blocks, audit.ofBlocks)} blocks ${did} of ${plain(audit.store)} (${size(audit.bytes)})${found}`;
}

/** A receipt for JSON. */
export function shownReceipt(verified: Verified): object {
  if (!verified.ok) return { verified: false, flaw: verified.flaw };
  const { claims, fingerprint, batch } = verified;
  return {
    verified: true,
    verdict: verdictOf(claims.audit.found),
    fingerprint,
    batch,
    notice: NOTICES[claims.root],
    claims,
  };
}
