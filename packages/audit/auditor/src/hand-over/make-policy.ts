import { createHash, createPublicKey } from 'node:crypto';
import {
  BOOT_REGISTERS,
  type KnownMachine,
  measurementDigest,
  measurementText,
  type OfferPolicy,
} from '@cloister/evidence';
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
    const spki = createPublicKey(await tpm.attestationKey()).export({ format: 'der', type: 'spki' });
    return {
      attestationKey: createHash('sha256').update(spki).digest('hex'),
      registers: registers as KnownMachine['registers'],
    };
  });

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
