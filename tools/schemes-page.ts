import { readFileSync } from 'node:fs';
import { SCHEMES } from '@cloister/pdp';
import { nodePrimitives } from '../packages/trusted/crypto/src/index.ts';
import { markdownTable } from './markdown-table.ts';

/** A line of bench/results/pdp.json, as `npm run full -- pdp` writes it. */
interface Measured {
  readonly scheme: string;
  readonly blockBytes: number;
  readonly modulusBits?: number;
  readonly tagBytes: number;
  readonly proofBytes: number;
  readonly tagMBs: number;
  readonly verifyMs: number;
}

const RESULTS = new URL('../bench/results/pdp.json', import.meta.url);
const BLOCK_BYTES = 16 * 1024;

/** docs/schemes.md, made from what each scheme says of itself, and from what was measured of it. */
export function schemesPage(): string {
  const results = JSON.parse(readFileSync(RESULTS, 'utf8')) as {
    readonly processor: string;
    readonly node: string;
    readonly table: readonly Measured[];
  };
  const measured = new Map(
    results.table
      .filter(({ blockBytes, modulusBits = 3072 }) => blockBytes === BLOCK_BYTES && modulusBits === 3072)
      .map((line) => [line.scheme, line]),
  );
  const all = Object.values(SCHEMES).map((scheme) => scheme(nodePrimitives).facts);
  const table = all.map(({ name, verification, data, year, assumption }) => [
    `\`${name}\``,
    verification,
    data,
    String(year),
    assumption,
  ]);
  const costs = all.map(({ name }) => {
    const { tagBytes, proofBytes, tagMBs, verifyMs } = measured.get(name)!;
    return [`\`${name}\``, ...[tagBytes, proofBytes, tagMBs, verifyMs].map((value) => value.toLocaleString('en-US'))];
  });
  return [
    '# The schemes of provable data possession',
    '',
    'Made from `packages/audit/pdp/src/schemes/` by `npx vitest run tools/schemes-page.test.ts -u`. Each has the five functions KeyGen, Tag,',
    'Challenge, Proof and Verify; the dynamic ones can change blocks, too. [audit.md](audit.md) helps to choose.',
    '',
    ...markdownTable(['scheme', 'verification', 'data', 'year', 'rests on'], table),
    'What they cost, with blocks of 16 KiB, RSA moduli of 3072 bits, and 460 blocks asked for, which finds a loss of 1 % with 99 %. Times are',
    `CPU time of one core (${results.processor}, Node ${results.node}, which other work shared: \`bench/results/pdp.json\`): figures to`,
    'compare schemes by, and no promises. SEPDP makes 365 tokens of 460 blocks in the place of tags, and hashes a block as often as they ask',
    'for it: its speed is for a file of 8 MiB, and grows with the file. `npm run bench -- pdp` measures them anew.',
    '',
    ...markdownTable(['scheme', 'tag, bytes', 'proof, bytes', 'tag, MB/s', 'verify, ms'], costs),
    ...all.flatMap(({ name, source, limits, patents, broken }) => [
      `## \`${name}\``,
      '',
      `Source: ${source}.`,
      '',
      `What it does not give: ${limits}.`,
      '',
      ...(patents === undefined ? [] : [`Patents: ${patents}.`, '']),
      ...(broken === undefined ? [] : [`**Broken**, for comparison only: ${broken}.`, '']),
    ]),
  ].join('\n');
}
