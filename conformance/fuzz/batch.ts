import { ARENA_BASE, ARENA_BYTES, arenaOf, CONTROL, RAM_BASE, RUNTIME } from './layout.ts';
import type { Program } from './program.ts';
import { MACHINE_RUNTIME, SUPERVISOR_RUNTIME } from './runtime.ts';

/** Guest RAM up to the last arena: runtime and programs, each linked to the next. */
export function createImage(programs: readonly Program[]): Buffer {
  const image = Buffer.alloc(arenaOf(programs.length) - RAM_BASE);
  image.set(MACHINE_RUNTIME.bytes, RUNTIME.machine - RAM_BASE);
  image.set(SUPERVISOR_RUNTIME.bytes, RUNTIME.supervisor - RAM_BASE);
  programs.forEach(({ arena }, index) => {
    image.set(arena, arenaOf(index) - RAM_BASE);
    const next = index + 1 < programs.length ? arenaOf(index + 1) : 0;
    image.writeBigUInt64LE(BigInt(next), arenaOf(index) - RAM_BASE + CONTROL.next);
  });
  return image;
}

/** One program's arena in an image. */
export function arenaIn(image: Buffer, index: number): Buffer {
  const at = ARENA_BASE - RAM_BASE + index * ARENA_BYTES;
  return image.subarray(at, at + ARENA_BYTES);
}
