import {
  type Check,
  decodeRequest,
  flag,
  listOf,
  oneOf,
  orNull,
  type RequestOf,
  record,
  text,
  whole,
} from './checked-json.ts';
import { STORES_MAX } from './launcher-channel.ts';

/** Compartments that belong to no VM. */
export const LONE_KINDS = ['builder', 'enclave'] as const;
export type LoneKind = (typeof LONE_KINDS)[number];

// What clients and the toolstack say to each other: JSON, a line each.
const id = text(64);
const token = text(128);
const share: Check<number> = (value): value is number => typeof value === 'number' && value > 0 && value <= 1024;
const eightDigits: Check<string> = (value): value is string => typeof value === 'string' && /^[0-9a-f]{8}$/.test(value);
const bytes = whole(Number.MAX_SAFE_INTEGER);

/** What storage is told of a file. */
const store = record({
  /** Its length, or the length that it may grow to. */
  bytes,
  growable: flag,
  writable: flag,
  /** A flush reaches the disk. */
  durable: flag,
});

const OF_A_VM = { vm: id, token };
const FROM_CLIENT = {
  /**
   * Starts a VM; the connection is its owner from now on, and its end is the VM's. `token` is what others must say to act
   * on it, `deposit` and `client` are what the launcher answered: what the VM holds, and the client's link to its slice.
   */
  run: {
    vm: eightDigits,
    token: text(128),
    label: text(200),
    deposit: id,
    client: id,
    stores: listOf(store, STORES_MAX),
    memoryBytes: bytes,
    cpus: share,
    weight: share,
    /** Refuse to run below the full protection level. */
    strict: flag,
  },
  /** A compartment with nothing but one link, `client`; it ends with this connection. */
  start: { kind: oneOf(...LONE_KINDS), client: id },
  list: {},
  inspect: OF_A_VM,
  /** `stop` asks the VM's owner to end it in order, `kill` ends it. */
  stop: OF_A_VM,
  kill: OF_A_VM,
  /** Gives its slice an inspector; the deposit says that a client wants that. */
  debug: { ...OF_A_VM, deposit: id },
  /** Replaces the slice of a running VM by the launcher's own build, or a deposited one. */
  upgrade: { ...OF_A_VM, deposit: orNull(id) },
} as const;
export type ClientRequest = RequestOf<typeof FROM_CLIENT>;
export const decodeClientRequest = (line: string): ClientRequest | undefined => decodeRequest(FROM_CLIENT, line);

/** What comes on the owner's connection until the VM is gone. Epochs and records are in base64. */
export type OwnerEvent =
  /** The slice is a new process: the client's link is in this epoch. */
  | { readonly slice: string }
  | { readonly stop: true }
  /** Printable lines of the VM's compartments for their operator, and pieces of such. */
  | { readonly log: string }
  /** All is over, and why if nobody asked for it. `status` is the machine's last record. */
  | { readonly ended: { readonly reason: string | null; readonly status: string | null } }
  /** Nothing was started. */
  | { readonly refused: string };

/** What comes on the connection of who started a lone compartment, in this order. */
export type LoneEvent =
  /** It runs; the link's epoch, in base64. */
  | { readonly epoch: string }
  /** It is gone: how, in words. */
  | { readonly ended: string }
  | { readonly refused: string };

export interface Listed {
  readonly vm: string;
  readonly label: string;
  /** Milliseconds since 1970. */
  readonly started: number;
}

/** One process of a VM, or one that serves it. */
export interface Part {
  readonly kind: string;
  /** Of the process that was started: a sandbox's outer one. */
  readonly pid: number | null;
  readonly level: string;
  readonly restarts: number;
  /** SHA-256 of its code, in hex. */
  readonly code: string;
  /** Its last status record, in base64; for the machine it has the counts of exits. */
  readonly status: string | null;
}

/** The answer to `inspect`. */
export interface Parts extends Listed {
  readonly parts: readonly Part[];
}
