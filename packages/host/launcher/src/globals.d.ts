// What Node's types leave out of the WebAssembly that both Node and browsers have.
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum: number; shared: true });
    readonly buffer: ArrayBuffer & SharedArrayBuffer;
  }
}
