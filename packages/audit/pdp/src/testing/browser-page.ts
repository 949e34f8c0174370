import { webPrimitives } from '@cloister/crypto/web';
import { describeFile, SCHEMES, type SchemeName } from '../index.ts';

/** What a page runs: the five functions of schemes, over a file in memory; the document's title says what came of it. */
const NAMES: readonly SchemeName[] = ['mac-pdp', 'gmac-cpor', 'cpor-private', 'cpor-public', 'sha256-merkle'];
declare const document: { title: string };

async function verdicts(name: SchemeName): Promise<string> {
  const scheme = SCHEMES[name](webPrimitives);
  const blockBytes = 4096;
  const data = webPrimitives.random(10 * blockBytes + 17);
  const keys = await scheme.keyGen();
  const file = describeFile(webPrimitives, { scheme: name, version: 1, blockBytes, length: data.length });
  const written: number[] = [];
  async function* source() {
    yield data;
  }
  const fileTag = await scheme.tag(keys.secret, {
    file,
    source: source(),
    out: { write: (tags) => void written.push(...tags) },
  });
  const tags = Uint8Array.from(written);
  const stored = {
    fileTag,
    block: (index: number) => data.subarray(index * blockBytes, (index + 1) * blockBytes),
    tags: (offset: number, length: number) => tags.subarray(offset, offset + length),
  };
  const challenge = await scheme.challenge(keys.secret, fileTag, { kind: 'sample', count: 460 });
  const answer = async (): Promise<boolean> => {
    const proof = await scheme.proof(keys.public, stored, challenge.message);
    return (await scheme.verify(keys.secret, fileTag, challenge, proof!)).accepted;
  };
  const intact = await answer();
  data[5 * blockBytes]! ^= 1;
  return `${name} ${intact} ${await answer()}`;
}

const all: string[] = [];
for (const name of NAMES) all.push(await verdicts(name).catch((error: unknown) => `${name} ${String(error)}`));
document.title = all.join('; ');
