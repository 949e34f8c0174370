import { emitInterpreter } from './emit-interpreter.ts';

/**
 * The interpreter of a hart as a WebAssembly module. In bundles that tools/build.mjs makes this file is one that holds
 * what it returned when they were built: to emit it takes 70 ms and leaves 12 MiB of garbage in the hart's thread (measured).
 */
export const interpreterBytes = (hart: number): Uint8Array => emitInterpreter(hart);
