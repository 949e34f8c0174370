// The globals that this package uses and that both Node and browsers have; everything else stays a type error.
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module);
    readonly exports: Record<string, unknown>;
  }
}
