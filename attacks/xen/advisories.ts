import { XEN_CLASSES, type XenClassName } from './classes.ts';

export const COMPONENTS = [
  'core',
  'device model',
  'toolstack',
  'driver',
  'guest kernel',
  'hardware',
  'unused',
  '-',
] as const;

/** What a title says that an attacker has of it; `unsaid` where it says nothing. */
const EFFECTS = ['escalation', 'leak', 'dos-host', 'dos-guest', 'dos', 'unsaid'] as const;

/**
 * Where number, CVEs and title were found: changelogs of packages (Debian, Fedora, SUSE, XenServer, Linux), texts of CVEs,
 * Xen's own mails and sources, the Xen test framework, Qubes' list of numbers and dates.
 */
const SOURCES = ['debian', 'fedora', 'suse', 'xenserver', 'linux', 'cve', 'xen', 'xtf', 'qubes', '-'] as const;

/** One Xen security advisory. */
export interface Advisory {
  readonly number: number;
  readonly year: number | undefined;
  readonly cves: readonly string[];
  readonly component: (typeof COMPONENTS)[number];
  readonly class: XenClassName;
  readonly effects: readonly (typeof EFFECTS)[number][];
  readonly source: (typeof SOURCES)[number];
  /** Empty where it could not be had. */
  readonly title: string;
}

/** Reads advisories.tsv: a line for each number. @throws on a line that is none */
export function advisories(table: string): Advisory[] {
  return table.trimEnd().split('\n').slice(1).map(advisory);
}

function advisory(line: string): Advisory {
  const wrong = (): never => {
    throw new Error(`No advisory: "${line}"`);
  };
  const one = <T extends string>(known: readonly T[], word: string | undefined): T =>
    known.find((name) => name === word) ?? wrong();
  const fields = line.split('\t');
  if (fields.length !== 8 || fields.some((field) => field === '')) wrong();
  const [number, year, cves, , name, effects, , title] = fields.map((field) => (field === '-' ? '' : field));
  if (!/^\d+$/.test(number!) || !/^(20[12]\d)?$/.test(year!)) wrong();
  return {
    number: Number(number),
    year: year === '' ? undefined : Number(year),
    cves: words(cves!, ' ').map((cve) => (/^CVE-20\d\d-\d{4,6}$/.test(cve) ? cve : wrong())),
    component: one(COMPONENTS, fields[3]),
    class: one(Object.keys(XEN_CLASSES) as XenClassName[], name),
    effects: words(effects!, '+').map((effect) => one(EFFECTS, effect)),
    source: one(SOURCES, fields[6]),
    title: title!,
  };
}

const words = (list: string, between: string): string[] => (list === '' ? [] : list.split(between));
