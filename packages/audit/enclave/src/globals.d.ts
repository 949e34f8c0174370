// The globals that this package uses and that both Node and browsers have; everything else stays a type error.
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
