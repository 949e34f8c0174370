/** A small generator with a seed (xorshift32): whole numbers below its argument. */
export type Random = (below: number) => number;

export function randomFrom(seed: number): Random {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const EXTREMES = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff];

/** A frame like the given one, with one to three of: bytes changed, a word made extreme, cut, lengthened, its code swapped. */
export function mutate(random: Random, frame: Uint8Array): Uint8Array {
  let out = frame.slice();
  for (let i = random(3); i >= 0; i -= 1) {
    switch (random(6)) {
      case 0:
        if (out.length > 0) out[random(out.length)] = random(256);
        break;
      case 1:
        if (out.length > 4)
          new DataView(out.buffer).setUint32(
            random(out.length - 3),
            random(2) === 0 ? EXTREMES[random(EXTREMES.length)]! : random(out.length + 9),
            true,
          );
        break;
      case 2:
        out = out.slice(0, random(out.length + 1));
        break;
      case 3:
        out = Uint8Array.of(...out.subarray(0, 64), ...Array.from({ length: random(40) }, () => random(256)));
        break;
      case 4:
        if (out.length > 0) out[0] = random(0x70);
        break;
      default:
        out = Uint8Array.from({ length: random(64) }, () => random(256));
    }
  }
  return out;
}
