import { readFile } from 'node:fs/promises';
import {
  countersGoUp,
  decodeQuote,
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

/** No receipt of ours is longer. */
const RECEIPT_BYTES_MAX = 2 ** 20;
const GOOD = 0;
const NOT_VERIFIED = 1;
/** It verifies, but nobody has said that its key is to be believed. */
const REFUSED = 2;

export interface VerifyFlags {
  readonly key?: string;
  readonly attestationKey?: string;
  readonly proofs?: string;
  readonly public?: string;
  readonly json?: boolean;
}

/** `cloister verify`: 0 for receipts by a key that is known here or was given, 1 for a flaw, 2 for a stranger's key. */
export async function verifyReceipts(files: readonly string[], flags: VerifyFlags): Promise<number> {
  const { key, json } = flags;
  for (const given of [key, flags.attestationKey])
    if (given !== undefined && !/^[0-9a-f]{64}$/.test(given))
      throw new CloisterError('bad-usage', `"${given}" is no fingerprint`, { hint: 'Give 64 hexadecimal digits' });
  const again = await proofsOf(files, flags);
  const results: {
    file: string;
    verified: Verified;
    signer: string | undefined;
    quote: QuoteSeen;
    proofs: ProofsVerdict | undefined;
  }[] = [];
  for (const file of files) {
    const bytes = await bytesOf(file);
    const verified: Verified =
      bytes.length > RECEIPT_BYTES_MAX ? { ok: false, flaw: 'malformed' } : verifyReceipt(bytes, key);
    const signer = !verified.ok || key !== undefined ? key : await auditWithKey(verified.fingerprint);
    const proofs = verified.ok && again !== undefined ? await again(verified.claims.audit) : undefined;
    const attestationKey =
      flags.attestationKey ?? (key === undefined && signer !== undefined ? await attestationKeyOf(signer) : undefined);
    results.push({ file, verified, signer, quote: await quoteOf(file, bytes, attestationKey), proofs });
  }
  if (json === true) {
    const shown = results.map(({ file, verified, signer, quote, proofs }) => ({
      file,
      signer,
      quote: shownQuote(quote),
      proofs,
      ...shownReceipt(verified),
    }));
    process.stdout.write(`${JSON.stringify({ schema: 1, receipts: shown }, bytesAsHex, 2)}\n`);
  } else
    for (const { file, verified, signer, quote, proofs } of results) {
      process.stdout.write(`${plain(file)}: ${receiptLine(verified)}\n`);
      if (!verified.ok) continue;
      const by = key !== undefined ? 'the given key' : signer === undefined ? 'a key not known here' : `"${signer}"`;
      process.stdout.write(`  signed by ${by} (${verified.fingerprint})\n`);
      if (quote === 'wrong') process.stdout.write('  the quote of a TPM beside it does not verify\n');
      else if (quote === 'another key') process.stdout.write("  the quote beside it is another TPM's, or nobody's\n");
      else if (quote !== undefined)
        process.stdout.write(
          `  quoted by the TPM with the attestation key ${hex(quote.attestationKey)}: registers ${hex(quote.pcrDigest)}${counterText(quote)}\n`,
        );
      process.stdout.write(`  root "${verified.claims.root}": ${NOTICES[verified.claims.root]}\n`);
      if (proofs !== undefined) process.stdout.write(`  ${proofsLine(proofs)}\n`);
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
  if (!isCountedRight) return NOT_VERIFIED;
  if (results.some(({ verified, quote, proofs }) => !verified.ok || typeof quote === 'string' || proofs?.ok === false))
    return NOT_VERIFIED;
  return results.some(({ signer }) => signer === undefined) ? REFUSED : GOOD;
}

type QuoteSeen = Quoted | 'wrong' | 'another key' | undefined;

/** What the quote beside a receipt attests, if there is one. @param key what must have signed it, if anybody knows */
async function quoteOf(file: string, receipt: Uint8Array, key: string | undefined): Promise<QuoteSeen> {
  const bytes = await readFile(`${file}.quote`).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const quote = bytes.length > RECEIPT_BYTES_MAX ? undefined : decodeQuote(new Uint8Array(bytes));
  const quoted = quote && verifyQuote(quote, receipt);
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
  const { claims, fingerprint } = verified;
  return {
    verified: true,
    verdict: verdictOf(claims.audit.found),
    fingerprint,
    notice: NOTICES[claims.root],
    claims,
  };
}
