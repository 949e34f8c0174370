import { type Batch, type Claims, detection, type Verified, verdictOf } from '@cloister/evidence';

/** Findings that are shown of a receipt. */
const SHOWN_MAX = 100;

export function element(
  name: string,
  attributes: Readonly<Record<string, string>>,
  ...children: readonly (Node | string)[]
): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export interface ShownAudit {
  readonly name: string;
  readonly fingerprint: string | null;
  readonly receipts: readonly Verified[];
  /** Where it will stand what comes of the last audit's proofs. */
  readonly proofs: HTMLElement;
}

/** Verdicts on what lies there, as against those on the way to it. */
export const isWrong = (verdict: string): boolean =>
  ['corrupt', 'not-proven', 'missing', 'stale', 'unsteady'].includes(verdict);

/**
 * One store: what its last audit says, then all of them.
 * @param nameOf what the audit is called whose key this is
 */
export function auditSection(
  { name, fingerprint, receipts, proofs }: ShownAudit,
  nameOf: (fingerprint: string) => string | undefined,
): HTMLElement {
  const last = receipts.at(-1);
  const verdict = last === undefined ? 'never audited' : last.ok ? verdictOf(last.claims.audit.found) : last.flaw;
  const tone = verdict === 'intact' ? 'good' : last?.ok === false || isWrong(verdict) ? 'bad' : 'warn';
  return element(
    'section',
    {},
    element('div', { class: 'head' }, element('h2', {}, name), element('span', { class: `badge ${tone}` }, verdict)),
    ...(last?.ok === true ? lastAudit(last, fingerprint, proofs, nameOf) : []),
    element('h3', {}, 'All audits'),
    history(receipts),
  );
}

type Fact = readonly [name: string, ...value: (Node | string)[]];

function lastAudit(
  { claims: { iat, audit, measurement }, batch }: Extract<Verified, { readonly ok: true }>,
  fingerprint: string | null,
  proofs: HTMLElement,
  nameOf: (fingerprint: string) => string | undefined,
): readonly HTMLElement[] {
  const { coverage, found, findings } = audit;
  const share = coverage.total === 0 ? 1 : coverage.done / coverage.total;
  const bar = element('div', { class: 'bar' }, element('div', { style: `width:${(100 * share).toFixed(1)}%` }));
  const baselines = {
    store: 'what the store gave when it was added: "unchanged since then"',
    source: "the owner's own copy",
    'content-hash': 'names that are hashes of what the objects hold',
  };
  const read = audit.all
    ? 'all of them'
    : `${audit.sampled.toLocaleString('en')} at random, ${audit.due.toLocaleString('en')} that were due`;
  const bad = Math.max(1, Math.ceil(audit.ofBlocks / 100));
  const withProver: readonly Fact[] =
    audit.prover === ''
      ? []
      : [
          ['Prover', element('code', {}, audit.prover)],
          ['Proofs', proofs],
        ];
  const facts: readonly Fact[] = [
    ['Store', element('code', {}, audit.store)],
    ...withProver,
    ['Last audit', `${time(iat)}, number ${audit.number}`],
    [
      audit.prover === '' ? 'Blocks read' : 'Blocks asked for',
      `${audit.blocks.toLocaleString('en')} of ${audit.ofBlocks.toLocaleString('en')} (${size(audit.bytes)}): ${read}`,
    ],
    [
      'Chance',
      found.some(({ finding }) => !isWrong(finding))
        ? 'none can be given: what was not read says nothing of what lies there'
        : audit.all
          ? 'every loss is found'
          : `a loss of 1 % of the blocks is found with ${percent(detection(audit.ofBlocks, bad, audit.sampled))} by the random ones`,
    ],
    [
      'This period',
      `${percent(share)} of the blocks ${audit.prover === '' ? 'read' : 'proven'} by plan; each at the latest by ${time((coverage.start + 2 * coverage.period) / 1000)}`,
      bar,
    ],
    ['Compared with', audit.baselines.map((baseline) => baselines[baseline] ?? baseline).join('; ') || 'nothing'],
    ['Scheme', `${audit.scheme}, blocks of ${size(audit.blockBytes)}`],
    ['Signed by', element('code', {}, fingerprint ?? 'a key that nobody noted')],
    ...(batch === undefined ? [] : [batchFact(batch, nameOf(batch.fingerprint))]),
  ];
  return [
    element('dl', {}, ...facts.flatMap(([name, ...value]) => [element('dt', {}, name), element('dd', {}, ...value)])),
    ...(found.length === 0 ? [] : [element('h3', {}, 'What is wrong'), findingsTable(found, findings)]),
    element(
      'details',
      {},
      element('summary', {}, 'What the enclave was measured to be'),
      element(
        'dl',
        {},
        ...(['bundle', 'filter', 'node', 'libraries'] as const).flatMap((part) => [
          element('dt', {}, part),
          element('dd', {}, element('code', {}, hex(measurement[part]))),
        ]),
        element('dt', {}, 'sandbox'),
        element('dd', {}, measurement.level),
      ),
    ),
  ];
}

const batchFact = ({ index, head, fingerprint }: Batch, name: string | undefined): Fact => [
  'Batch',
  `receipt ${index + 1} of ${head.size}, under one head that `,
  name === undefined ? 'a key of none of these audits signed: ' : `the key of ${name} signed: `,
  element('code', {}, fingerprint),
];

function findingsTable(found: Claims['audit']['found'], all: number): HTMLElement {
  const rows = found
    .slice(0, SHOWN_MAX)
    .map(({ finding, path, offset, length, blocks }) =>
      row(
        toned(finding),
        [path === '' ? 'the list of what the store has' : path, 'path'],
        [path === '' ? '–' : blocks === 0 ? 'all of it' : `${offset} to ${offset + Math.max(1, length) - 1}`, 'number'],
      ),
    );
  const rest = all - rows.length;
  return element(
    'div',
    { class: 'scroll' },
    table(['What', 'Where', 'Bytes'], rows),
    ...(rest > 0 ? [element('p', { class: 'quiet' }, `and ${rest.toLocaleString('en')} more`)] : []),
  );
}

/** Every receipt, the newest first. */
function history(receipts: readonly Verified[]): HTMLElement {
  if (receipts.length === 0) return element('p', { class: 'quiet' }, 'None yet.');
  const rows = receipts.toReversed().map((verified) => {
    if (!verified.ok) return row(['–'], ['–'], [`does not verify: ${verified.flaw}`], ['–'], ['no']);
    const { iat, audit } = verified.claims;
    const blocks = `${audit.blocks.toLocaleString('en')} of ${audit.ofBlocks.toLocaleString('en')}`;
    return row(
      [String(audit.number), 'number'],
      [time(iat), 'number'],
      toned(verdictOf(audit.found)),
      [blocks, 'number'],
      ['yes'],
    );
  });
  return element('div', { class: 'scroll' }, table(['No.', 'When (UTC)', 'Verdict', 'Blocks', 'Verified'], rows));
}

const table = (head: readonly string[], rows: readonly HTMLElement[]): HTMLElement =>
  element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...head.map((name) => element('th', { scope: 'col' }, name)))),
    element('tbody', {}, ...rows),
  );
/** A verdict, to be seen from afar where it is a bad one. */
const toned = (verdict: string): readonly [text: string, kind?: string] =>
  isWrong(verdict) ? [verdict, 'wrong'] : [verdict];
const row = (...cells: readonly (readonly [text: string, kind?: string])[]): HTMLElement =>
  element('tr', {}, ...cells.map(([text, kind]) => element('td', kind === undefined ? {} : { class: kind }, text)));

const time = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ');
/** Never rounded up to all of it. */
const percent = (share: number): string =>
  share >= 1 ? '100 %' : `${(Math.floor(share * 10_000) / 100).toFixed(2)} %`;
const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let value = bytes;
  for (; value >= 1024 && unit < units.length - 1; unit += 1) value /= 1024;
  return `${unit === 0 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}
