import {
  AUDIT_ROOTS,
  type AuditRoot,
  BASELINES,
  type Baseline,
  type Check,
  FINDINGS,
  type FindingKind,
  listOf,
  oneOf,
  record,
  text,
  whole,
} from '@cloister/protocol';
import { encode } from 'cborg';
import { decodeStrict } from './cose-message.ts';

/** The first thing that who reads evidence of a root must know. */
export const NOTICES: Readonly<Record<AuditRoot, string>> = {
  software:
    'A sandbox, not a TEE: whoever controls the user account or kernel it runs under can read its keys and sign any verdict; run it on a machine you trust, never at the storage provider',
  tpm: 'A sandbox, not a TEE: its key opens on the machine, in the state that its TPM measured, for the enclave that was measured; whoever controls the running kernel or the user account can read it all the same',
};

/** What runs, as the launcher measured it; hashes are SHA-256. */
export interface Measurement {
  /** The enclave's code. */
  readonly bundle: Uint8Array;
  /** Its system calls. */
  readonly filter: Uint8Array;
  /** The Node binary, and the libraries that are loaded with it. */
  readonly node: Uint8Array;
  readonly libraries: Uint8Array;
  /** How it was started, as JSON: the command and its arguments, without descriptors. */
  readonly command: string;
  /** The protection level. */
  readonly level: string;
}

export interface ReceiptFinding {
  readonly path: string;
  readonly finding: FindingKind;
  readonly offset: number;
  readonly length: number;
  readonly blocks: number;
}

/** What an audit says. Times in milliseconds since 1970. */
export interface AuditClaims {
  readonly store: string;
  /** Who was asked for proofs; empty where blocks were read. */
  readonly prover: string;
  /** 32 bytes: which state. */
  readonly state: Uint8Array;
  readonly number: number;
  readonly scheme: string;
  /** SHA-256 of the scheme's public key, where anybody can verify the proofs again; empty otherwise. */
  readonly schemeKey: Uint8Array;
  readonly blockBytes: number;
  readonly all: boolean;
  /** What the random blocks were drawn from. */
  readonly seed: Uint8Array;
  readonly blocks: number;
  readonly bytes: number;
  readonly sampled: number;
  readonly due: number;
  readonly ofBlocks: number;
  /** SHA-256 over all that was read and what came of it, in order. */
  readonly transcript: Uint8Array;
  /** What the tags of what was read were made from. */
  readonly baselines: readonly Baseline[];
  readonly findings: number;
  /** The first of them. */
  readonly found: readonly ReceiptFinding[];
  readonly coverage: { readonly start: number; readonly period: number; readonly total: number; readonly done: number };
}

/** Who signs: which key, of what measured code, rooted in what. */
export interface Evidence {
  /** Seconds since 1970. */
  readonly iat: number;
  readonly root: AuditRoot;
  readonly publicKey: Uint8Array;
  readonly measurement: Measurement;
}

export interface Claims extends Evidence {
  readonly audit: AuditClaims;
}

/** Findings that a receipt names; it counts all. */
export const FOUND_MAX = 1000;

// CWT and EAT claims (RFC 8392, RFC 9711) and COSE_Key parameters (RFC 9052, 7; RFC 9053, 7.2).
const CNF = 8;
const IAT = 6;
const EAT_PROFILE = 265;
const MEASUREMENTS = 273;
const PROFILE = 'tag:cloister.invalid,2026:audit-receipt';
const OKP = 1;
const ED25519 = 6;

const count = whole(Number.MAX_SAFE_INTEGER);
export const hash: Check<Uint8Array> = (value): value is Uint8Array =>
  value instanceof Uint8Array && value.length === 32;
const hashOrNone: Check<Uint8Array> = (value): value is Uint8Array =>
  value instanceof Uint8Array && (value.length === 0 || value.length === 32);
const flag: Check<boolean> = (value): value is boolean => typeof value === 'boolean';

export const isMeasurement: Check<Measurement> = record({
  ...{ bundle: hash, filter: hash, node: hash, libraries: hash },
  ...{ command: text(8192), level: text(32) },
});
const isAudit: Check<AuditClaims> = record({
  ...{
    store: text(4096),
    prover: text(2048),
    state: hash,
    number: count,
    scheme: text(32),
    schemeKey: hashOrNone,
    blockBytes: count,
    all: flag,
    seed: hash,
  },
  ...{ blocks: count, bytes: count, sampled: count, due: count, ofBlocks: count, transcript: hash },
  baselines: listOf(oneOf(...BASELINES), BASELINES.length),
  findings: count,
  found: listOf(
    record({ path: text(4096), finding: oneOf(...FINDINGS), offset: count, length: count, blocks: count }),
    FOUND_MAX,
  ),
  coverage: record({ start: count, period: count, total: count, done: count }),
});

/** A CWT claims set (RFC 8392) with EAT's claims (RFC 9711) and our own under names, of which a profile may add one. */
export function evidenceClaims(
  profile: string,
  { iat, root, publicKey, measurement }: Evidence,
  [name, own]: readonly [string, unknown],
): Map<number | string, unknown> {
  return new Map<number | string, unknown>([
    [IAT, iat],
    [CNF, confirmation(publicKey)],
    [EAT_PROFILE, profile],
    [MEASUREMENTS, measurement],
    ['root', root],
    ['notice', NOTICES[root]],
    [name, own],
  ]);
}

/** Undefined for anything that is not exactly such claims with one of this name, which is given as it is. */
export function readEvidence(
  profile: string,
  claims: unknown,
  name: string,
): (Evidence & { readonly own: unknown }) | undefined {
  if (!(claims instanceof Map) || claims.size !== 7 || claims.get(EAT_PROFILE) !== profile) return undefined;
  const [iat, root, publicKey] = [claims.get(IAT), claims.get('root'), confirmed(claims.get(CNF))];
  const measurement = asRecords(claims.get(MEASUREMENTS));
  if (!count(iat) || !oneOf(...AUDIT_ROOTS)(root) || publicKey === undefined || claims.get('notice') !== NOTICES[root])
    return undefined;
  return isMeasurement(measurement) ? { iat, root, publicKey, measurement, own: claims.get(name) } : undefined;
}

/** Whose key has signed (RFC 8747): a COSE_Key. */
function confirmation(publicKey: Uint8Array): Map<number, unknown> {
  const key = new Map<number, unknown>([
    [1, OKP],
    [-1, ED25519],
    [-2, publicKey],
  ]);
  return new Map([[1, key]]);
}

/** That key; undefined for what is none. */
function confirmed(cnf: unknown): Uint8Array | undefined {
  const key: unknown = cnf instanceof Map && cnf.size === 1 ? cnf.get(1) : undefined;
  if (!(key instanceof Map) || key.size !== 3 || key.get(1) !== OKP || key.get(-1) !== ED25519) return undefined;
  const publicKey: unknown = key.get(-2);
  return hash(publicKey) ? publicKey : undefined;
}

/** The payload of a receipt. */
export const encodeClaims = ({ audit, ...evidence }: Claims): Uint8Array =>
  encode(evidenceClaims(PROFILE, evidence, ['audit', audit]));

/** Undefined for anything that is not exactly such claims. */
export function decodeClaims(payload: Uint8Array): Claims | undefined {
  const read = readEvidence(PROFILE, decodeStrict(payload), 'audit');
  if (read === undefined) return undefined;
  const { own, ...evidence } = read;
  const audit = asRecords(own);
  return isAudit(audit) ? { ...evidence, audit } : undefined;
}

/** Maps whose keys are all names, as records, all the way down. */
function asRecords(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asRecords);
  if (!(value instanceof Map)) return value;
  const entries = [...value].map(([key, field]) => [key, asRecords(field)] as const);
  return entries.every(([key]) => typeof key === 'string' && key !== '__proto__')
    ? Object.fromEntries(entries as [string, unknown][])
    : undefined;
}
