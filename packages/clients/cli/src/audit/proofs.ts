import { readFile } from 'node:fs/promises';
import { CloisterError, type ProofsVerdict, type ProvenClaims, verifyProofs } from '@cloister/sdk';
import { count, plain } from './amounts.ts';

/** Verifies the proofs that flags name, for a receipt; undefined if they name none. */
export async function proofsOf(
  files: readonly string[],
  { proofs, public: key }: { readonly proofs?: string; readonly public?: string },
): Promise<((audit: ProvenClaims) => Promise<ProofsVerdict>) | undefined> {
  if (proofs === undefined && key === undefined) return undefined;
  if (proofs === undefined || key === undefined || files.length !== 1)
    throw new CloisterError('bad-usage', '--proofs and --public go together, for one receipt', {
      hint: 'Give the .proofs beside the receipt, and the public key that "audit add --prover" left beside the tags',
    });
  const [list, publicKey] = await Promise.all([bytesOf(proofs), bytesOf(key)]);
  return (audit) => verifyProofs(audit, list, publicKey);
}

export const bytesOf = (file: string): Promise<Uint8Array> =>
  readFile(file).catch((error: Error) => {
    throw new CloisterError('bad-file', `Cannot read "${file}" (${error.message})`);
  });

export function proofsLine(proofs: ProofsVerdict): string {
  if (!proofs.ok) return `the proofs do not verify: ${plain(proofs.flaw)}`;
  const others = proofs.failed + proofs.lost;
  const rest = others === 0 ? '' : `, ${others} failed or not given, as it says`;
  return `${count(proofs.proofs, 'proof')} verified again${rest}`;
}
