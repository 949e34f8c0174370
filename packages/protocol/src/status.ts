import { COMPLAINT, STATUS_BYTES } from './status-record.ts';

/** Exits that are counted, in the order of the record. `gate` ones end in the machine and cost no round trip. */
export const COUNTED_EXITS = ['sbi', 'syscon', 'budget', 'frame-fault', 'gate'] as const;
export type CountedExit = (typeof COUNTED_EXITS)[number];

export interface MachineStatus {
  readonly complaint: (typeof COMPLAINT)[keyof typeof COMPLAINT];
  readonly phase: 'launching' | 'running' | 'stopped' | 'failed';
  readonly retired: number;
  /** Round trips to the slice by exit reason, and exits that the machine answered. */
  readonly exits: Readonly<Record<CountedExit, number>>;
  /** Why it failed; at most `STATUS_REASON_BYTES` of UTF-8. */
  readonly reason: string;
}

const PHASES = ['launching', 'running', 'stopped', 'failed'] as const;
const AT = { complaint: 0, phase: 1, retired: 8, exits: 16, reason: 96 } as const;
export const STATUS_REASON_BYTES = STATUS_BYTES - AT.reason;

export function encodeMachineStatus(status: MachineStatus): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(STATUS_BYTES);
  const view = new DataView(out.buffer);
  out[AT.complaint] = status.complaint;
  out[AT.phase] = PHASES.indexOf(status.phase);
  view.setBigUint64(AT.retired, BigInt(status.retired), true);
  COUNTED_EXITS.forEach((exit, i) => {
    view.setBigUint64(AT.exits + 8 * i, BigInt(status.exits[exit]), true);
  });
  out.set(new TextEncoder().encode(status.reason).subarray(0, STATUS_REASON_BYTES), AT.reason);
  return out;
}

/** Undefined when it is no such record. */
export function decodeMachineStatus(bytes: Uint8Array): MachineStatus | undefined {
  const phase = PHASES[bytes[AT.phase] ?? PHASES.length];
  if (bytes.length !== STATUS_BYTES || phase === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const wide = (at: number): number => Number(view.getBigUint64(at, true));
  const text = bytes.subarray(AT.reason);
  const end = text.indexOf(0);
  return {
    complaint: bytes[AT.complaint] === COMPLAINT.slice ? COMPLAINT.slice : COMPLAINT.none,
    phase,
    retired: wide(AT.retired),
    exits: Object.fromEntries(COUNTED_EXITS.map((exit, i) => [exit, wide(AT.exits + 8 * i)])) as MachineStatus['exits'],
    reason: new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(end < 0 ? text : text.subarray(0, end)),
  };
}
