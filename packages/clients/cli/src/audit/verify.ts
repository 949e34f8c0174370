import { readFile } from 'node:fs/promises';
import { NOTICES, type Verified, verdictOf, verifyReceipt } from '@cloister/evidence';
import { auditWithKey, CloisterError, type ProofsVerdict, type ProvenClaims, verifyProofs } from '@cloister/sdk';
import { count, of, plain, size } from './amounts.ts';

/** No receipt of ours is longer. */
const RECEIPT_BYTES_MAX = 2 ** 20;
const GOOD = 0;
const NOT_VERIFIED = 1;
/** It verifies, but nobody has said that its key is to be believed. */
const REFUSED = 2;

export interface VerifyFlags {
  readonly key?: string;
  readonly proofs?: string;
  readonly public?: string;
  readonly json?: boolean;
}

/** `cloister verify`: 0 for receipts by a key that is known here or was given, 1 for a flaw, 2 for a stranger's key. */
export async function verifyReceipts(files: readonly string[], flags: VerifyFlags): Promise<number> {
  const { key, json } = flags;
  if (key !== undefined && !/^[0-9a-f]{64}$/.test(key))
    throw new CloisterError('bad-usage', `"${key}" is no fingerprint`, { hint: 'Give 64 hexadecimal digits' });
  const again = await proofsOf(files, flags);
  const results: { file: string; verified: Verified; signer: string | undefined; proofs: ProofsVerdict | undefined }[] =
    [];
  for (const file of files) {
    const bytes = await bytesOf(file);
    const verified: Verified =
      bytes.length > RECEIPT_BYTES_MAX ? { ok: false, flaw: 'malformed' } : verifyReceipt(bytes, key);
    const signer = !verified.ok || key !== undefined ? key : await auditWithKey(verified.fingerprint);
    const proofs = verified.ok && again !== undefined ? await again(verified.claims.audit) : undefined;
    results.push({ file, verified, signer, proofs });
  }
  if (json === true) {
    const shown = results.map(({ file, verified, signer, proofs }) => ({
      ...{ file, signer, proofs },
      ...shownReceipt(verified),
    }));
    process.stdout.write(`${JSON.stringify({ schema: 1, receipts: shown }, null, 2)}\n`);
  } else
    for (const { file, verified, signer, proofs } of results) {
      process.stdout.write(`${plain(file)}: ${receiptLine(verified)}\n`);
      if (!verified.ok) continue;
      const by = key !== undefined ? 'the given key' : signer === undefined ? 'a key not known here' : `"${signer}"`;
      process.stdout.write(`  signed by ${by} (${verified.fingerprint})\n`);
      process.stdout.write(`  root "${verified.claims.root}": ${NOTICES[verified.claims.root]}\n`);
      if (proofs !== undefined) process.stdout.write(`  ${proofsLine(proofs)}\n`);
    }
  if (results.some(({ verified, proofs }) => !verified.ok || proofs?.ok === false)) return NOT_VERIFIED;
  return results.some(({ signer }) => signer === undefined) ? REFUSED : GOOD;
}

/** Verifies the proofs that flags name, for a receipt; undefined if they name none. */
async function proofsOf(
  files: readonly string[],
  { proofs, public: key }: VerifyFlags,
): Promise<((audit: ProvenClaims) => Promise<ProofsVerdict>) | undefined> {
  if (proofs === undefined && key === undefined) return undefined;
  if (proofs === undefined || key === undefined || files.length !== 1)
    throw new CloisterError('bad-usage', '--proofs and --public go together, for one receipt', {
      hint: 'Give the .proofs beside the receipt, and the public key that "audit add --prover" left beside the tags',
    });
  const [list, publicKey] = await Promise.all([bytesOf(proofs), bytesOf(key)]);
  return (audit) => verifyProofs(audit, list, publicKey);
}

const bytesOf = (file: string): Promise<Uint8Array> =>
  readFile(file).catch((error: Error) => {
    throw new CloisterError('bad-file', `Cannot read "${file}" (${error.message})`);
  });

function proofsLine(proofs: ProofsVerdict): string {
  if (!proofs.ok) return `the proofs do not verify: ${plain(proofs.flaw)}`;
  const others = proofs.failed + proofs.lost;
  return `${count(proofs.proofs, 'proof')} verified again${others === 0 ? '' : `, ${others} failed or not given, as it says`}`;
}

/** What a receipt says, in a line. */
export function receiptLine(verified: Verified): string {
  if (!verified.ok) return `does not verify: ${verified.flaw}`;
  const { iat, audit } = verified.claims;
  const when = new Date(iat * 1000).toISOString().slice(0, 16);
  const did = audit.prover === '' ? 'read' : `asked of ${plain(audit.prover)},`;
  const found = audit.findings === 0 ? '' : `, ${audit.findings} found`;
  return `${when}Z  ${verdictOf(audit.found)}: ${of(audit.blocks, audit.ofBlocks)} blocks ${did} of ${plain(audit.store)} (${size(audit.bytes)})${found}`;
}

/** A receipt for JSON: bytes in hexadecimal. */
export function shownReceipt(verified: Verified): object {
  if (!verified.ok) return { verified: false, flaw: verified.flaw };
  const { claims, fingerprint } = verified;
  const shown: unknown = JSON.parse(
    JSON.stringify(claims, (_key, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    ),
  );
  return {
    verified: true,
    verdict: verdictOf(claims.audit.found),
    fingerprint,
    notice: NOTICES[claims.root],
    claims: shown,
  };
}
