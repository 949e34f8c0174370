import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { HOSTILE_PARTS } from '../hostile-parts.ts';
import { type Advisory, advisories } from './advisories.ts';
import { XEN_CLASSES, type XenClass } from './classes.ts';
import { advisoryLine, xenPage } from './page.ts';

const all = advisories(readFileSync(new URL('advisories.tsv', import.meta.url), 'utf8'));
const classes = Object.entries<XenClass>(XEN_CLASSES);

test('every number is there once, in order', () => {
  expect(all.map(({ number }) => number)).toEqual(Array.from({ length: 523 }, (_, at) => at + 1));
});

test('what is classified has a title, and what is not has none', () => {
  const isOpen = ({ class: name }: Advisory): boolean => name === 'not-had' || name === 'unused';
  expect(all.filter((advisory) => isOpen(advisory) === (advisory.title !== ''))).toEqual([]);
  expect(all.filter((advisory) => isOpen(advisory) !== (advisory.effects.length === 0))).toEqual([]);
});

test('each class has advisories, and attacks that there are or a reason that there is none', () => {
  const known = new Set(HOSTILE_PARTS.map(({ attack }) => attack));
  for (const [name, { attacks, without }] of classes) {
    expect(all.some((advisory) => advisory.class === name)).toBe(true);
    expect(attacks.filter((attack) => !known.has(attack))).toEqual([]);
    expect([name, attacks.length > 0]).toEqual([name, without === undefined]);
  }
});

test('a line that is no advisory is refused', () => {
  const head = 'number\tyear\tcves\tcomponent\tclass\teffect\tsource\ttitle\n';
  for (const line of ['1', '1\t2011\t-\tcore\tnone\tdos\tfedora\tx', '1\t2011\tCVE-1\tcore\tevents\tdos\tfedora\tx'])
    expect(() => advisories(`${head}${line}`)).toThrow(`No advisory: "${line}"`);
});

test('one is printed with the attacks that stand for it', () => {
  expect(advisoryLine(all[147]!)).toMatch(/^XSA-148 \(2015\) CVE-2015-7835\n.*\n.*page-tables[\s\S]*- G3 a page table/);
});

test('docs/xen-advisories.md says what the tables say', async () => {
  await expect(xenPage(all)).toMatchFileSnapshot('../../docs/xen-advisories.md');
});
