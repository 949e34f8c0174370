// What doctor needs of WebAssembly; @types/node 20 has no values for it.
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
  }
  function validate(bytes: Uint8Array): boolean;
}
