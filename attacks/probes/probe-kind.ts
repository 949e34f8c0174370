import type { CompartmentKind } from '../../packages/host/launcher/src/sandbox/compartment-kind.ts';
import type { World } from './world.ts';

/** How one probe is judged. */
export interface Judged {
  readonly source?: string;
  /** The attacker's effect, seen from outside. */
  effect(world: World): boolean;
  /** Why this machine has nothing that the attack could reach, or why it is no attack on this kind. */
  notHere?(kind: CompartmentKind): string | undefined;
}

export const PROBE_SOURCE = 'isolation.md 1c';

export const NODE_MAJOR = Number.parseInt(process.versions.node, 10);
export const isRoot = process.getuid?.() === 0;
export const reported = (world: World): boolean => world.report.includes(world.secret);
export const endedWell = (world: World): boolean => world.status === 0;
export const made = (world: World): boolean => world.exists('made');
