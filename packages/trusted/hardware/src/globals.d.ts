// The globals that this package uses and that both Node and browsers have; everything else stays a type error.
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer & SharedArrayBuffer;
  }
  class Table {
    constructor(descriptor: { element: 'anyfunc'; initial: number });
    get(index: number): unknown;
  }
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }
  function validate(bytes: Uint8Array): boolean;
}
declare const performance: { now(): number; readonly timeOrigin: number };
declare const crypto: { getRandomValues<T extends Uint8Array>(array: T): T };
/** Where the engine was asked for it. */
declare const gc: (() => void) | undefined;
interface Atomics {
  waitAsync(
    array: Int32Array,
    index: number,
    value: number,
    timeout?: number,
  ): { async: false; value: 'not-equal' | 'timed-out' } | { async: true; value: Promise<'ok' | 'timed-out'> };
}
/** Node's threads; the browser's form gives the same two names. */
declare module 'node:worker_threads' {
  export const workerData: unknown;
  export const parentPort: {
    postMessage(message: unknown): void;
    once(event: 'message', listener: (message: unknown) => void): void;
  } | null;
}
declare module 'node:v8' {
  export function setFlagsFromString(flags: string): void;
}
