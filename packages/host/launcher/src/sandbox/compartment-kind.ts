/** What runs in a sandbox; each kind has its own list of system calls. */
export type CompartmentKind = 'machine' | 'slice' | 'storage' | 'scheduler' | 'builder';

export const COMPARTMENT_KINDS = ['machine', 'slice', 'storage', 'scheduler', 'builder'] as const;

/** Node's names, as in `process.arch`. */
export type Architecture = 'x64' | 'arm64';

/**
 * Whether a kind can run without JIT, and so without one executable page of its own: it translates nothing and hashes
 * nothing in bulk, and its Node is 24 or newer (20 with --jitless still wants PROT_EXEC from mprotect).
 */
export const isJitless = (kind: CompartmentKind, nodeMajor: number): boolean =>
  (kind === 'slice' || kind === 'scheduler') && nodeMajor >= 24;

/** The file of a kind's filter in the build's `filters`. */
export const filterName = (kind: CompartmentKind, architecture: string, jitless: boolean): string =>
  `filters/${kind}.${architecture}${jitless ? '.jitless' : ''}.bpf`;
