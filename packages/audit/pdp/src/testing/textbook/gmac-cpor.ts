import type { Primitives } from '@cloister/crypto';

/**
 * GMAC tags without sessions: one key for all that its owner ever tags, and the file's version and the block's index as the
 * nonce, counted by state that a kill, a resume or a restored backup sets back. For one challenged block the coefficient is 1.
 */
export function textbookGmacCpor(primitives: Primitives, key: Uint8Array) {
  const gmac = primitives.gmac(key);
  return {
    async tag(version: number, index: number, block: Uint8Array): Promise<Uint8Array> {
      const nonce = new Uint8Array(12);
      const view = new DataView(nonce.buffer);
      view.setUint32(0, version);
      view.setUint32(8, index);
      return gmac(nonce, block);
    },
    async verify(version: number, index: number, block: Uint8Array, tag: Uint8Array): Promise<boolean> {
      return primitives.equal(await this.tag(version, index, block), tag);
    },
  };
}
