import { SCHEMES } from '@cloister/pdp';
import { nodePrimitives } from '../packages/trusted/crypto/src/index.ts';
import { markdownTable } from './markdown-table.ts';

/** docs/schemes.md, made from what each scheme says of itself. */
export function schemesPage(): string {
  const all = Object.values(SCHEMES).map((scheme) => scheme(nodePrimitives).facts);
  const table = all.map(({ name, verification, data, year, assumption }) => [
    `\`${name}\``,
    verification,
    data,
    String(year),
    assumption,
  ]);
  return [
    '# The schemes of provable data possession',
    '',
    'Made from `packages/audit/pdp/src/schemes/` by `npx vitest run tools/schemes-page.test.ts -u`. Each has the five functions KeyGen, Tag,',
    'Challenge, Proof and Verify; the dynamic ones can change blocks, too. [audit.md](audit.md) helps to choose.',
    '',
    ...markdownTable(['scheme', 'verification', 'data', 'year', 'rests on'], table),
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
