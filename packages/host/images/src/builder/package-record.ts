import { type FromBuilder, PACKAGE_FORMS } from '@cloister/protocol';

/** One package of a suite: what is needed to download and verify it, and where it goes. */
export interface PackageRecord {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Path below the mirror's root. */
  readonly filename: string;
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** Undefined for an answer in which a field has not the form that it must have. */
export function packageRecord(answer: Extract<FromBuilder, { kind: 'package' }>): PackageRecord | undefined {
  const { kind: _, ...record } = answer;
  const fields = Object.keys(PACKAGE_FORMS) as (keyof typeof PACKAGE_FORMS)[];
  return fields.every((field) => PACKAGE_FORMS[field].test(record[field])) ? record : undefined;
}
