import { AUDIT_TAGS_FOLDER } from '@cloister/protocol';
import { attestationKeyOf, type BackupRepository, fingerprintOf, parseDuration, type Synced } from '@cloister/sdk';
import { count, plain, size } from './amounts.ts';
import { blockSize, checkedName, type LimitFlags, limitsOf } from './flags.ts';
import { type KeyHomeFlags, keyHomeOf } from './key-home.ts';
import { named, opened, print, SOMETHING_WRONG } from './opened.ts';

export interface AddFlags extends LimitFlags, KeyHomeFlags {
  readonly name?: string;
  readonly blockSize?: string;
  readonly period?: string;
  readonly prover?: string;
  readonly scheme?: string;
  readonly from?: string;
  readonly counter?: string;
  readonly json?: boolean;
}

export async function addAudit(store: string, flags: AddFlags): Promise<number> {
  const options = {
    name: flags.name === undefined ? undefined : checkedName(flags.name),
    prover: flags.prover,
    scheme: flags.scheme,
    from: flags.from,
    blockBytes: flags.blockSize === undefined ? undefined : blockSize(flags.blockSize),
    period: flags.period === undefined ? undefined : parseDuration(flags.period),
    limits: limitsOf(flags),
    keyHome: keyHomeOf(flags),
    counterAt: flags.counter,
  };
  const synced = await opened(store, (all) => all.add(store, options));
  const fingerprint = await fingerprintOf(synced.name);
  const attestationKey = await attestationKeyOf(synced.name);
  return told(synced, flags.json === true, (line) => {
    line(`${synced.name}: ${count(synced.total.objects, 'file')}, ${size(synced.total.bytes)} audited`);
    for (const text of baselineLines(synced.total)) line(text);
    if (flags.prover !== undefined)
      line(
        `Tags lie in ${synced.store}/${AUDIT_TAGS_FOLDER}: they belong beside the data, where "cloister audit prover" serves both.`,
      );
    if (synced.fresh && keyHomeOf(flags).kind === 'file')
      line(
        'Its key lies in a file, which protects against nothing but partial copies (see --passphrase, --recipient).',
      );
    if (synced.fresh && flags.counter !== undefined)
      line(
        'Its counter lies at that store: without it the audit opens no more, and who puts back both is not noticed.',
      );
    if (synced.fresh) line(`Receipts are signed with the key ${fingerprint}: note it where the store cannot reach.`);
    if (synced.fresh && attestationKey !== undefined)
      line(`The TPM quotes them with the key ${attestationKey}: note that, too.`);
  });
}

export async function syncAudit(
  name: string | undefined,
  flags: LimitFlags & { readonly removed?: boolean; readonly changed?: boolean; readonly json?: boolean },
): Promise<number> {
  const [one] = await named(name === undefined ? [] : [name], { one: true });
  const synced = await opened(one!, (all) =>
    all.sync(one!, { removed: flags.removed, changed: flags.changed, limits: limitsOf(flags) }),
  );
  return told(synced, flags.json === true, (line) => {
    const forgotten = synced.forgotten > 0 ? `, ${count(synced.forgotten, 'file')} forgotten` : '';
    line(`${synced.name}: ${count(synced.objects, 'file')} tagged (${size(synced.bytes)})${forgotten}`);
  });
}

/** What audits prove, by what the tags were made from. */
function baselineLines({ objects, sourceObjects, contentHashObjects }: Synced['total']): readonly string[] {
  const others = objects - sourceObjects - contentHashObjects;
  const says = (many: number, what: string): readonly string[] =>
    many === 0 ? [] : [`${count(many, 'file')}: the baseline is ${what}`];
  return [
    ...says(others, 'what the store gave when they were added: audits prove "unchanged since then".'),
    ...says(sourceObjects, 'your own copy: audits prove that the store has what you had.'),
    ...says(contentHashObjects, 'their names, which are hashes of what they hold: audits prove it is what was stored.'),
  ];
}

const REPOSITORIES: Readonly<Record<BackupRepository['kind'], string>> = {
  restic: 'names its files by what they hold, which is checked when they are tagged',
  borg: 'has checksums in its segments, which are checked when they are tagged; they show accidents, and nothing that was done on purpose',
  kopia: 'names its files by keyed hashes: nobody without its password can check them',
};

/** What was tagged, and what the owner has to decide. */
function told(synced: Synced, json: boolean, summary: (line: (text: string) => void) => void): number {
  const open = synced.missing.length + synced.altered.length + synced.skipped.length;
  if (json) print({ ...synced });
  else {
    summary((text) => process.stdout.write(`${text}\n`));
    for (const { kind, root } of synced.repositories)
      process.stdout.write(
        `${root === '' ? 'This' : plain(root)} is a repository of ${kind}, which ${REPOSITORIES[kind]}.\n`,
      );
    for (const { path, why } of synced.skipped) process.stdout.write(`skipped   ${plain(path)}: ${plain(why)}\n`);
    for (const path of synced.altered) process.stdout.write(`changed   ${plain(path)}\n`);
    for (const path of synced.missing) process.stdout.write(`missing   ${plain(path)}\n`);
    if (synced.altered.length > 0)
      process.stdout.write('Audits still expect what was there before. If you changed it: sync --changed\n');
    if (synced.missing.length > 0)
      process.stdout.write('Audits still expect what is missing. If you removed it: sync --removed\n');
  }
  return open === 0 ? 0 : SOMETHING_WRONG;
}
