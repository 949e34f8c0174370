/** What runs in a sandbox; each kind has its own list of system calls. */
export type CompartmentKind = 'machine' | 'slice' | 'storage' | 'scheduler' | 'builder' | 'enclave' | 'toolstack';

export const COMPARTMENT_KINDS = [
  'machine',
  'slice',
  'storage',
  'scheduler',
  'builder',
  'enclave',
  'toolstack',
] as const;

/** Node's names, as in `process.arch`. */
export type Architecture = 'x64' | 'arm64';

/**
 * Whether a kind can run without JIT, and so without one executable page of its own: it translates nothing and hashes
 * nothing in bulk, and its Node is 24 or newer (20 with --jitless still wants PROT_EXEC from mprotect).
 */
export const isJitless = (kind: CompartmentKind, nodeMajor: number): boolean =>
  (kind === 'slice' || kind === 'scheduler' || kind === 'toolstack') && nodeMajor >= 24;

/** One filter for each; `landlock` for the form without namespaces, which setpriv starts. */
export interface FilterVariant {
  readonly jitless: boolean;
  readonly landlock: boolean;
}

/** The file of a kind's filter in the build. */
export const filterName = (kind: CompartmentKind, architecture: string, { jitless, landlock }: FilterVariant): string =>
  `filters/${kind}.${architecture}${jitless ? '.jitless' : ''}${landlock ? '.landlock' : ''}.bpf`;
