import { createHash } from 'node:crypto';
import {
  BOOT_REGISTERS,
  type KnownMachine,
  measurementDigest,
  measurementText,
  type OfferPolicy,
  verifyQuote,
} from '@cloister/evidence';
import { fail } from '../audit-error.ts';
import type { AuditContext } from '../open-audit.ts';
import { withTpm } from '../tpm.ts';

const MAX_AGE_S = 86_400;

/**
 * A policy that allows the enclave of this build, on this Node and at this protection level.
 * @param tpm allows it on this machine alone, as it has booted now
 * @throws AuditError `no-tpm`
 */
export async function makePolicy(
  { measureEnclave }: AuditContext,
  {
    tpm = false,
    maxAge = MAX_AGE_S,
  }: { readonly tpm?: boolean | undefined; readonly maxAge?: number | undefined } = {},
): Promise<OfferPolicy> {
  const measurement = await measureEnclave();
  const machines = tpm ? [await thisMachine(measurementDigest(measurement))] : [];
  return {
    ...{ schema: 1, roots: [tpm ? 'tpm' : 'software'], maxAge },
    ...{ measurements: [measurementText(measurement)], machines },
  };
}

const thisMachine = (measured: Uint8Array): Promise<KnownMachine> =>
  withTpm(measured, async (tpm) => {
    const values = await tpm.registers(BOOT_REGISTERS);
    const registers = Object.fromEntries(BOOT_REGISTERS.map((name, at) => [name, hex(values[at]!)]));
    // The key that its offers will be quoted with says so itself.
    const about = new Uint8Array(0);
    const nonce = createHash('sha256').update(about).digest();
    const quoted = verifyQuote(await tpm.quote(nonce), about);
    if (quoted === undefined) return fail('no-tpm', 'The quote of this TPM does not verify');
    return { attestationKey: hex(quoted.attestationKey), registers: registers as KnownMachine['registers'] };
  });

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
