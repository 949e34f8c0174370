import { markdownTable } from '../../tools/markdown-table.ts';
import { type Advisory, COMPONENTS } from './advisories.ts';
import { XEN_CLASSES, type XenClass } from './classes.ts';

/** Those that were public when Nexen's authors counted, if they counted by number: the paper has 191. */
const PAPER_HAS = 191;

const count = (list: readonly Advisory[]): string => String(list.length);
const standing = (list: readonly Advisory[], stands: Stands): readonly Advisory[] =>
  list.filter((advisory) => standsFor(XEN_CLASSES[advisory.class]) === stands);
const isEarly = ({ number }: Advisory): boolean => number <= PAPER_HAS;
const UNKNOWN: ReadonlySet<string> = new Set(['not-had', 'unused']);

/** docs/xen-advisories.md: how many by component and by class, and what stands for each. */
export function xenPage(all: readonly Advisory[]): string {
  const core = all.filter(({ component }) => component === 'core');
  const elsewhere = all.filter(({ component, class: name }) => component !== 'core' && !UNKNOWN.has(name));
  const missing = all.filter((advisory) => advisory.class === 'not-had');
  return [
    '# The Xen security advisories, and what of them could happen here',
    '',
    'Made from `attacks/xen/advisories.tsv` and `attacks/xen/classes.ts` by `npx vitest run attacks/xen -u`. A row of the',
    'table is a number with its CVEs, its title as a changelog has it, the component that it is about, the class of its',
    'fault, and what the title says of its effect. `npm run attacks -- xen 148` prints one with the attacks that stand for it.',
    '',
    'Nexen’s authors counted 191 advisories, 144 of them in the core hypervisor, of which Nexen stops 107. That is their',
    'count, by their classes. Ours is by title alone and need not agree: which numbers were theirs we do not know, and of',
    `the first ${PAPER_HAS} we have no title for ${missing.filter(isEarly).length}.`,
    '',
    ...markdownTable(
      ['Counted by us', `all ${all.length} numbers`, `up to XSA-${PAPER_HAS}`],
      [
        ...COMPONENTS.map((component) => ({ name: component === '-' ? 'none' : component, list: of(all, component) })),
        { name: 'not classified', list: missing },
      ].map(({ name, list }) => [name, ...[list, list.filter(isEarly)].map(count)]),
    ),
    'Of those that are classified:',
    '',
    ...markdownTable(
      ['', 'core', `core, up to XSA-${PAPER_HAS}`, 'other components'],
      (['attack', 'no such mechanism', 'not protected'] as const).map((stands) => [
        SAID[stands],
        ...[core, core.filter(isEarly), elsewhere].map((list) => count(standing(list, stands))),
      ]),
    ),
    'An attack that is contained says that the fault, tried here in its form for Cloister, has no effect at the level `full`,',
    'and that it would have one without the check. It does not say that no other fault of the class is left.',
    '',
    '## By class',
    '',
    ...Object.entries<XenClass>(XEN_CLASSES)
      .filter(([name]) => !UNKNOWN.has(name))
      .flatMap(([name, { what, here, attacks, without }]) => {
        const list = all.filter((advisory) => advisory.class === name);
        const effects = list.flatMap((advisory) => advisory.effects).filter((effect) => effect !== 'unsaid');
        const counted = [...new Set(effects)].map(
          (effect) => `${effect} ${effects.filter((e) => e === effect).length}`,
        );
        return [
          `### \`${name}\`: ${list.length}`,
          '',
          `${what}. ${counted.length === 0 ? '' : `Titles say: ${counted.join(', ')}.`}`.trimEnd(),
          `Here: ${here}.`,
          '',
          ...(without === undefined ? attacks.map((attack) => `- ${attack}`) : [`No attack: ${without}.`]),
          '',
          `XSA ${ranges(list.map(({ number }) => number))}`,
          '',
        ];
      }),
    '## Not classified',
    '',
    'Their titles could not be had; they are left open rather than guessed.',
    '',
    `XSA ${ranges(missing.map(({ number }) => number))}`,
    '',
    `Not used: XSA ${ranges(of(all, 'unused').map(({ number }) => number))}`,
    '',
  ].join('\n');
}

/** One advisory, for a reader. */
export function advisoryLine({ number, year, cves, title, component, class: name, source }: Advisory): string {
  const { what, here, attacks, without }: XenClass = XEN_CLASSES[name];
  return [
    `XSA-${number}${year === undefined ? '' : ` (${year})`} ${cves.join(' ')}`.trimEnd(),
    `  ${title || 'its title could not be had'} [${source}]`,
    `  ${component}; ${name}: ${what}`,
    ...(here === '' ? [] : [`  here: ${here}`]),
    ...(without === undefined ? attacks.map((attack) => `  - ${attack}`) : [`  no attack: ${without}`]),
  ].join('\n');
}

type Stands = 'attack' | NonNullable<XenClass['without']>;
const standsFor = ({ without }: XenClass): Stands => without ?? 'attack';
const SAID: Readonly<Record<Stands, string>> = {
  attack: 'an attack of ours stands for the class, and is contained',
  'no such mechanism': 'Cloister has no such mechanism',
  'not protected': 'not protected',
};

const of = (all: readonly Advisory[], component: Advisory['component']): readonly Advisory[] =>
  all.filter((advisory) => advisory.component === component && advisory.class !== 'not-had');

/** "1-3, 7". */
function ranges(numbers: readonly number[]): string {
  const parts: [number, number][] = [];
  for (const number of numbers) {
    const last = parts.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else parts.push([number, number]);
  }
  return parts.map(([from, to]) => (from === to ? from : `${from}-${to}`)).join(', ');
}
