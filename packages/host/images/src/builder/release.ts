import { type FromBuilder, PACKAGE_FORMS } from '@cloister/protocol';
import { printable } from '../printable.ts';

/** A file that a release names: its size in bytes and lower-case hex SHA-256. */
export interface ReleaseFile {
  readonly size: number;
  readonly sha256: string;
}

/** What a suite's release says. Times in ms since 1970. */
export interface Release {
  readonly origin: string;
  readonly codename: string;
  readonly version: string | undefined;
  readonly date: number;
  readonly validUntil: number | undefined;
  readonly acquireByHash: boolean;
  /** Of those that were asked for. */
  readonly files: ReadonlyMap<string, ReleaseFile>;
}

/** Later than any time that a Date holds (ECMA-262, 21.4.1.1). */
const TIME_MAX = 8.64e15;

/** Undefined for answers that are no release. */
export function releaseFrom(
  answers: readonly Extract<FromBuilder, { kind: 'release' | 'file' }>[],
): Release | undefined {
  const [release, ...rest] = answers;
  const files = new Map<string, ReleaseFile>();
  for (const file of rest) {
    if (file.kind !== 'file' || !PACKAGE_FORMS.sha256.test(file.sha256)) return undefined;
    files.set(file.name, { size: file.size, sha256: file.sha256 });
  }
  if (release?.kind !== 'release' || release.date > TIME_MAX || release.validUntil > TIME_MAX) return undefined;
  const { origin, codename, version, date, validUntil, acquireByHash } = release;
  return {
    origin: printable(origin),
    codename: printable(codename),
    version: version === '' ? undefined : printable(version),
    date,
    validUntil: validUntil === 0 ? undefined : validUntil,
    acquireByHash,
    files,
  };
}
