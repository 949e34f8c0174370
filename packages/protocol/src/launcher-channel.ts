import {
  anyObject,
  decodeRequest,
  flag,
  listOf,
  oneOf,
  orNull,
  type RequestOf,
  record,
  type Shaped,
  text,
  whole,
} from './checked-json.ts';

// What is asked of the launcher: JSON, a line each. Ids are of the launcher's making and cannot be guessed, or, for what the
// toolstack makes, of the toolstack's.
const id = text(64);
const path = text(4096);
const epoch = text(24);

export const STORES_MAX = 64;

/** From a client, over the launcher's own socket: one line a connection, for what needs the client's authority. */
const FROM_CLIENT = {
  /** Opens files, reads code, and keeps what the VM's machine is to be, for the toolstack to use under one id. */
  deposit: {
    stores: listOf(record({ path, write: flag }), STORES_MAX),
    /** The VM's payload area, for its machine and storage. */
    area: orNull(path),
    slice: orNull(path),
    hart: orNull(path),
    /** Whether a slice may run outside its sandbox, with an inspector. */
    debug: flag,
    machine: anyObject,
  },
  /** This connection becomes a link's end. */
  attach: {},
} as const;
export type FromClient = RequestOf<typeof FROM_CLIENT>;
export const decodeFromClient = (line: string): FromClient | undefined => decodeRequest(FROM_CLIENT, line);

/** What the toolstack may start. `debug` is a slice with an inspector, which no sandbox allows: a client has to want it. */
export const SPAWNED_KINDS = ['machine', 'slice', 'debug', 'storage', 'scheduler', 'builder', 'enclave'] as const;
export type SpawnedKind = (typeof SPAWNED_KINDS)[number];

const LINKS_MAX = 1024;
const DATA_BYTES_MAX = 2 ** 33;

/** From the toolstack. There is no path in it, no program and no process number. */
const FROM_TOOLSTACK = {
  /** Makes the toolstack's what a client deposited or attached. It works once. */
  claim: { id },
  link: { id },
  /** Closes a link, or the files of a deposit. */
  close: { id },
  spawn: {
    id,
    kind: oneOf(...SPAWNED_KINDS),
    /** `end`: which of a link's two; an attached one has 0 alone. */
    links: listOf(record({ id, end: whole(1), epoch }), LINKS_MAX),
    /**
     * Storage gets their stores and areas, in order; machine and slice their code; the machine the settings and the area
     * of its one.
     */
    deposits: listOf(id, LINKS_MAX),
    settings: anyObject,
    /** RLIMIT_DATA. */
    dataBytes: whole(DATA_BYTES_MAX),
  },
  /** Passes a notice on (`start.ts`), in base64. */
  notice: { id, bytes: text(1024) },
  /** `pause` and `resume` are SIGSTOP and SIGCONT. */
  kill: { id },
  pause: { id },
  resume: { id },
  /** What the kernel counts of every compartment. */
  usage: {},
} as const;
export type FromToolstack = RequestOf<typeof FROM_TOOLSTACK>;
export const decodeFromToolstack = (line: string): FromToolstack | undefined => decodeRequest(FROM_TOOLSTACK, line);
export type SpawnRequest = Shaped<(typeof FROM_TOOLSTACK)['spawn']>;
