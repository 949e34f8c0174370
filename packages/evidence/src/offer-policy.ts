import { AUDIT_ROOTS, type AuditRoot, type Check, listOf, oneOf, record, text, whole } from '@cloister/protocol';
import type { Measurement } from './claims.ts';
import { hex } from './hex.ts';

/** What an enclave is, as a policy writes it: hashes in hexadecimal. */
export type MeasurementText = { readonly [K in keyof Measurement]: string };

/** A machine with a TPM: whose it is, and what it must have booted (SHA-256 bank, in hexadecimal). */
export interface KnownMachine {
  /** SHA-256 of its attestation key, as `Quoted` has it. */
  readonly attestationKey: string;
  readonly registers: { readonly [K in (typeof BOOT_REGISTERS)[number]]: string };
}

/** To which enclaves an owner gives keys. */
export interface OfferPolicy {
  readonly schema: 1;
  readonly roots: readonly AuditRoot[];
  /** Seconds between the drawing of the nonce and the end of its use. */
  readonly maxAge: number;
  readonly measurements: readonly MeasurementText[];
  /** For the root "tpm": these and no others. */
  readonly machines: readonly KnownMachine[];
}

/** Firmware, its options, the boot loader and the secure-boot policy (PC Client Platform Firmware Profile). */
export const BOOT_REGISTERS = ['0', '2', '4', '7'] as const;

const digest: Check<string> = (value): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const measurement: Check<MeasurementText> = record({
  ...{ bundle: digest, filter: digest, node: digest, libraries: digest },
  ...{ command: text(8192), level: text(32) },
});
const isPolicy: Check<OfferPolicy> = record({
  schema: (value): value is 1 => value === 1,
  roots: listOf(oneOf(...AUDIT_ROOTS), AUDIT_ROOTS.length),
  maxAge: whole(Number.MAX_SAFE_INTEGER),
  measurements: listOf(measurement, 100),
  machines: listOf(
    record({ attestationKey: digest, registers: record({ '0': digest, '2': digest, '4': digest, '7': digest }) }),
    100,
  ),
});

/** Undefined for anything that is not exactly a policy: a word that is not known may be one that was meant to forbid. */
export function decodeOfferPolicy(json: string): OfferPolicy | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isPolicy(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export const encodeOfferPolicy = (policy: OfferPolicy): string => `${JSON.stringify(policy, undefined, 2)}\n`;

/** A measurement as a policy writes it. */
export const measurementText = ({ command, level, ...hashes }: Measurement): MeasurementText => ({
  bundle: hex(hashes.bundle),
  filter: hex(hashes.filter),
  node: hex(hashes.node),
  libraries: hex(hashes.libraries),
  ...{ command, level },
});
