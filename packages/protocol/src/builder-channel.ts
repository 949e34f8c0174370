import { type MessageOf, type MessageSet, messageSet } from './message.ts';

/** Bytes that a piece of a job's input or output may have. */
export const PIECE_BYTES_MAX = 128 * 1024;
const PIECE = { scalar: 'bytes', from: 1, to: PIECE_BYTES_MAX } as const;

/** Which packages of the index: names come as input, a line each. */
export const SELECTIONS = [
  /** The newest version of each name; for a name that no package has, those that provide it. */
  'named',
  /** Debian's minimal system (Policy 2.5, 3.8); no names. */
  'required',
  /** The names with all that they depend on. */
  'dependencies',
  /** Debian's current kernel and its modules; no names. */
  'kernel',
  /** The names are file names. */
  'files',
] as const;
export type Selection = (typeof SELECTIONS)[number];

/**
 * Why input was refused. Closed, so that callers can map each to one line for the user: `truncated` ends before it says
 * it ends; `malformed` breaks its format; `unsupported` is well-formed but not read here; `too-large` exceeds a bound
 * that the caller set; `not-found` lacks the part that was asked for; `bad-signature` has no good signature by a trusted
 * key; `expired` is signed only by keys or signatures that are no longer valid.
 */
export const REFUSALS = [
  'truncated',
  'malformed',
  'unsupported',
  'too-large',
  'not-found',
  'bad-signature',
  'expired',
] as const;
export type RefusalCode = (typeof REFUSALS)[number];

/**
 * What a client has a builder do. One job at a time: the job's message, its input in pieces and `input.end`; then what
 * the job answers, and `done` or `failed`. A builder that has answered early drops the rest of the input.
 */
const TO_BUILDER = {
  /** Input: a keyring. The keys below `pins` (fingerprints) are those that later releases are checked with. */
  keys: { code: 0x80, fields: { pins: { listOf: 'text', upTo: 64 } } },
  /** Input: a clear-signed Release. `files`: of which of its files the answer tells. `now` in seconds since 1970. */
  release: { code: 0x81, fields: { verified: 'bool', now: 'size', files: { listOf: 'text', upTo: 16 } } },
  /** Input: a package index, compressed as its name says, of which later jobs speak. */
  index: { code: 0x82, fields: { name: 'text' } },
  select: { code: 0x83, fields: { selection: { oneOf: SELECTIONS } } },
  /**
   * An index for the guest's apt. Input, a line each: names of packages to begin with, and `NAME SIZE SHA256` for those
   * that lie there in another form than the archive's.
   */
  list: { code: 0x84, fields: {} },
  /** Input: a package. `names`: a regular expression; `limit` bounds its unpacked size. */
  entries: { code: 0x85, fields: { limit: 'size', names: 'text' } },
  /** Input: a package; output: the same with uncompressed archives, each of at most `limit` bytes. */
  repack: { code: 0x86, fields: { limit: 'size' } },
  /** Input: a kernel module, compressed as its name says; output: the module. */
  module: { code: 0x87, fields: { name: 'text', limit: 'size' } },
  /** Input: a kernel in any form; output: the plain Image. */
  kernel: { code: 0x88, fields: {} },
  /** Input: what apt prints of the files that it wants from the mirror at `base`. */
  wanted: { code: 0x89, fields: { base: 'text' } },
  input: { code: 0x8a, fields: { bytes: PIECE } },
  'input.end': { code: 0x8b, fields: {} },
} as const;

/** Numbers that a ustar header holds. */
const OCTAL_7 = { scalar: 'u32', from: 0, to: 0o7777777 } as const;
const OCTAL_11 = { scalar: 'size', from: 0, to: 0o77777777777 } as const;

const FROM_BUILDER = {
  /** Times in milliseconds since 1970; `validUntil` 0 and an empty version: it says none. */
  release: {
    code: 0x90,
    fields: {
      origin: 'text',
      codename: 'text',
      version: 'text',
      date: 'size',
      validUntil: 'size',
      acquireByHash: 'bool',
    },
  },
  /** Of the files that `release` asked for, in that order, those that there are. */
  file: { code: 0x91, fields: { name: 'text', size: 'size', sha256: 'text' } },
  package: {
    code: 0x92,
    fields: { name: 'text', version: 'text', architecture: 'text', filename: 'text', size: 'size', sha256: 'text' },
  },
  /** Its content follows as output, exactly `size` bytes. */
  entry: {
    code: 0x93,
    fields: {
      name: 'text',
      type: { oneOf: ['file', 'directory', 'symlink', 'hardlink', 'character', 'block', 'fifo'] },
      mode: { scalar: 'u32', from: 0, to: 0o7777 },
      uid: OCTAL_7,
      gid: OCTAL_7,
      size: OCTAL_11,
      mtime: OCTAL_11,
      linkName: 'text',
      major: OCTAL_7,
      minor: OCTAL_7,
    },
  },
  /** How many bytes of output follow, and the modules that must be loaded first. */
  module: { code: 0x94, fields: { size: 'size', depends: { listOf: 'text', upTo: 256 } } },
  /** How many bytes of output follow. */
  size: { code: 0x95, fields: { size: 'size' } },
  wanted: { code: 0x96, fields: { filename: 'text' } },
  output: { code: 0x97, fields: { bytes: PIECE } },
  done: { code: 0x98, fields: {} },
  failed: { code: 0x99, fields: { refusal: { oneOf: REFUSALS }, text: 'text' } },
} as const;

export type ToBuilder = MessageOf<typeof TO_BUILDER>;
export type FromBuilder = MessageOf<typeof FROM_BUILDER>;
export const toBuilder: MessageSet<ToBuilder> = messageSet(TO_BUILDER);
export const fromBuilder: MessageSet<FromBuilder> = messageSet(FROM_BUILDER);

/**
 * What a tar entry says of itself. Names are as in the archive, without a leading `./` and without a trailing `/`: a
 * consumer that writes files must check them; the root directory is the empty name. `size` is 0 for all but files,
 * `mtime` in seconds since 1970, `linkName` the target of a symlink or a hardlink, the latter's in the form of `name`.
 */
export type TarHeader = Omit<Extract<FromBuilder, { readonly kind: 'entry' }>, 'kind'>;

/** A job: what begins one. */
export type BuilderJob = Exclude<ToBuilder, { readonly kind: 'input' | 'input.end' }>;

/** Debian's package fields as they must be: they reach URLs, the cache's file names, apt's index and guest scripts. */
export const PACKAGE_FORMS = {
  name: /^[a-z0-9][a-z0-9+.-]{0,200}$/,
  version: /^[A-Za-z0-9][A-Za-z0-9.+:~-]{0,200}$/,
  architecture: /^[a-z0-9-]{1,40}$/,
  /** No dots that climb, no odd characters. */
  filename: /^(?=.{1,1000}$)pool\/(?:[A-Za-z0-9][A-Za-z0-9+._~%:-]*\/)+[A-Za-z0-9][A-Za-z0-9+._~%:-]*\.deb$/,
  sha256: /^[0-9a-f]{64}$/,
} as const;
