import type { Primitives } from '@cloister/crypto';

/** Primes by their bits; those of 256, 512, 1024 and 1536 bits are safe ones. Moduli of 512 to 3072 bits come of them. */
const PRIMES: Readonly<Record<number, readonly string[]>> = {
  136: ['c24e22d4f73b5ea546f435c391dd32d2d9'],
  256: [
    'fb6bbdc91be4269d9c4dee5c5791cb3f3656fa252a9a48e33132b2d07af75a53',
    'ff1a3ea7a53d145236b5a1dc8ab0df997c7e8c534afdc864e438d4d76751d443',
  ],
  512: [
    'f99c0f57dcfa01faf3ca4c60f9d464337e66c54d301c5611858e8b565394a241aee5b17c9925d430f44cd0946297acab95f97d1c4162213dac2bf67be99b6eff',
    'dd61dcf06639ae31f50fe03d044b17b3dae01d54804ca6889eefb18d375d8df127f422cd42da4ebd4a2ecba1b4727a32843b00715c9fb5cf2fd4630ab469c92f',
  ],
  1024: [
    'd687aeff59b580e2d2e90362a90fdbf04775645ec4269d5a47605f5f093ae75dd038ca9ed3ee045799b69b03d17a7c6e771dec6928318fb502e779e6eec676611c94dc603d38d749f15aed5cdde000cdff77f3dbd5ed579dc4cda4e0e265deb2b8a709d2a082cba1902ba9177b6a63a6bd12f5a35fbad7dd6217f9662951f467',
    'c455eb61a9123e98c83ee1ab4ac6ffd1f2511ab45d332c90b64129d37040fae45eef5c3b9e7c8d9f31c6e03f559e365c5ac834cc68644a5b6f754e196ebf4894adf057055734a54db57e73dc8d138d59ba34852365dd4bafabf87e2ba257a506794817bad952463ff8d8815c045a34b91ba2bdb9bbb30542d7ddf0d55dd8b193',
  ],
  1536: [
    'f741a402348d7bc68866e71fb3bbb472dd78eda8f2f7dfc403ffba97894ab821309997acda1f8278a806cbfca17b68bb0b069f1ec0f959e803342eb29470808b27786de243914574d25ba4da16531ac3e2d3c4b107a12aae45bc2a2b219d8d92d8c3864b2786a3f7526dc3daec246b471695691dbfa50d615253498d972a8e94237976295fdc89004295bb2731a32a6d3df212b10f768dc3690f3b61ff3a4bb2b813658d56c84cd6c92d9c47ff9d3c856735d9ac8b586c4615f549fa5bbfc7fb',
    'eaca09e7b1bebfc6ab37283cce00e9aedb168b37bddc371d6741558b60138f76266906c33d355f8028bc0e40ae755e3ee7967fc989d296dcdabdc5dc863768b36d475af8cfebf4fcb9269b0e44c06ac1f14859ccab84dc87bfba50fb44feaa3c734168b7b9276b460e1392560d8b7e299895abe97f75e6c8926f6d73f45be76cb6bd56f53a607c50f87f0d6cf9eb09183d8783ae285a8e6ecffc57ee192e38dce32e53b183ecb46317faefe66d87b0e740fb30fdaef6971e3274a00fa7dc85ab',
  ],
};

/** The same primes each time, since a search for wide ones takes seconds. */
export function withFixedPrimes(primitives: Primitives): Primitives {
  const taken = new Map<number, number>();
  return {
    ...primitives,
    async prime(bits) {
      const choice = PRIMES[bits]!;
      const count = taken.get(bits) ?? 0;
      taken.set(bits, count + 1);
      return new Uint8Array(Buffer.from(choice[count % choice.length]!, 'hex'));
    },
  };
}
