import { NOTICES } from '@cloister/evidence';
import {
  type AuditProgress,
  type AuditResult,
  type AuditStatus,
  auditNames,
  auditReceipts,
  audits,
  CloisterError,
  detection,
  fingerprintOf,
  parseDuration,
  type Synced,
} from '@cloister/sdk';
import { count, of, plain, size } from './amounts.ts';
import { statusLine } from './status-line.ts';
import { verdictOf } from './verdict.ts';
import { receiptLine, shownReceipt } from './verify.ts';

const SOMETHING_WRONG = 1;

export interface AddFlags {
  readonly name?: string;
  readonly blockSize?: string;
  readonly period?: string;
  readonly scheme?: string;
  readonly json?: boolean;
}

export interface RunFlags {
  readonly all?: boolean;
  readonly sample?: string;
  readonly due?: string;
  readonly json?: boolean;
}

/** Audits with progress on stderr and Ctrl-C as an abort. */
async function opened<T>(what: string, work: (all: ReturnType<typeof audits>) => Promise<T>): Promise<T> {
  const status = statusLine();
  const abort = new AbortController();
  const interrupt = (): void => abort.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const show = progressOf(what);
  try {
    return await work(
      audits({
        signal: abort.signal,
        progress: (progress) => status.show(show(progress)),
        warn: (line) => {
          status.clear();
          process.stderr.write(`cloister: ${line}\n`);
        },
      }),
    );
  } finally {
    status.clear();
    process.removeListener('SIGINT', interrupt);
    process.removeListener('SIGTERM', interrupt);
  }
}

/** Bytes, how fast, and the time that is left. */
function progressOf(what: string): (progress: AuditProgress) => string {
  let begun: number | undefined;
  return ({ doing, bytes, ofBytes }) => {
    if (doing === 'listing') return `${what}: listing`;
    begun ??= performance.now();
    const seconds = (performance.now() - begun) / 1000;
    const rate = seconds > 0.5 ? bytes / seconds : 0;
    const left = rate > 0 ? `, ${Math.ceil((ofBytes - bytes) / rate)} s left` : '';
    const share = ofBytes > 0 ? ` ${'#'.repeat(Math.floor((20 * bytes) / ofBytes)).padEnd(20, '.')}` : '';
    return `${what}: ${doing}${share} ${size(bytes)} of ${size(ofBytes)}, ${size(rate)}/s${left}`;
  };
}

export async function addAudit(store: string, flags: AddFlags): Promise<number> {
  const options = {
    name: flags.name === undefined ? undefined : checkedName(flags.name),
    scheme: flags.scheme,
    blockBytes: flags.blockSize === undefined ? undefined : blockSize(flags.blockSize),
    period: flags.period === undefined ? undefined : parseDuration(flags.period),
  };
  const synced = await opened(store, (all) => all.add(store, options));
  const fingerprint = await fingerprintOf(synced.name);
  return told(synced, flags.json === true, (line) => {
    line(`${synced.name}: ${count(synced.total.objects, 'file')}, ${size(synced.total.bytes)} audited`);
    line('The baseline is what the store gave just now: audits prove "unchanged since it was added".');
    if (synced.fresh) line(`Receipts are signed with the key ${fingerprint}: note it where the store cannot reach.`);
  });
}

export async function syncAudit(
  name: string | undefined,
  flags: { readonly removed?: boolean; readonly changed?: boolean; readonly json?: boolean },
): Promise<number> {
  const [one] = await named(name === undefined ? [] : [name], true);
  const synced = await opened(one!, (all) => all.sync(one!, flags));
  return told(synced, flags.json === true, (line) => {
    const forgotten = synced.forgotten > 0 ? `, ${count(synced.forgotten, 'file')} forgotten` : '';
    line(`${synced.name}: ${count(synced.objects, 'file')} tagged (${size(synced.bytes)})${forgotten}`);
  });
}

/** What was tagged, and what the owner has to decide. */
function told(synced: Synced, json: boolean, summary: (line: (text: string) => void) => void): number {
  const open = synced.missing.length + synced.altered.length + synced.skipped.length;
  if (json) print({ ...synced });
  else {
    summary((text) => process.stdout.write(`${text}\n`));
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

export async function runAudits(names: readonly string[], flags: RunFlags): Promise<number> {
  const options = {
    all: flags.all,
    sample: flags.sample === undefined ? undefined : number(flags.sample, '--sample'),
    dueMax: flags.due === undefined ? undefined : number(flags.due, '--due'),
  };
  const results: AuditResult[] = [];
  for (const name of await named(names)) {
    const result = await opened(name, (all) => all.run(name, options));
    results.push(result);
    if (flags.json !== true) showResult(result, flags.all === true);
  }
  if (flags.json === true)
    print({ root: 'software', audits: results.map((result) => ({ ...result, verdict: verdictOf(result.wrong) })) });
  return results.every((result) => verdictOf(result.wrong) === 'intact') ? 0 : SOMETHING_WRONG;
}

function showResult(result: AuditResult, all: boolean): void {
  const { name, blocks, ofBlocks, bytes, wrong, sampled, due } = result;
  const line = (text: string): void => void process.stdout.write(`${text}\n`);
  line(`${verdictOf(result.wrong).padEnd(12)}${name}: ${of(blocks, ofBlocks)} blocks read (${size(bytes)})`);
  for (const { finding, path, offset, length, blocks: bad } of wrong) {
    const where = bad === 0 ? '' : `, bytes ${offset} to ${offset + Math.max(1, length) - 1} (${count(bad, 'block')})`;
    line(`  ${finding.padEnd(12)}${plain(path)}${where}`);
  }
  if (!all) {
    const found = 100 * detection(ofBlocks, Math.max(1, Math.ceil(ofBlocks / 100)), sampled);
    const share = found < 100 ? `${(Math.floor(found * 100) / 100).toFixed(2)} %` : '100 %';
    line(`  ${sampled} at random, ${due} due: a loss of 1 % of the blocks is found with ${share}`);
  }
}

export async function showStatus(
  names: readonly string[],
  flags: { readonly maxAge: string; readonly json?: boolean },
): Promise<number> {
  const maxAge = parseDuration(flags.maxAge);
  const all: (AuditStatus & { verdict: string })[] = [];
  for (const name of await named(names)) {
    const status = await opened(name, (each) => each.status(name));
    const age = Date.now() - (status.lastAudit === 0 ? status.created : status.lastAudit);
    const verdict =
      age > maxAge ? 'overdue' : status.lastAudit === 0 ? 'unknown' : status.lastFindings > 0 ? 'findings' : 'intact';
    all.push({ ...status, verdict });
  }
  if (flags.json === true) print({ root: 'software', audits: all });
  else
    for (const { name, verdict, lastAudit, bytes, periodDone, periodBlocks, periodStart, period } of all) {
      const last = lastAudit === 0 ? 'never audited' : `audited ${new Date(lastAudit).toISOString().slice(0, 16)}Z`;
      const covered = periodBlocks === 0 ? 0 : (100 * periodDone) / periodBlocks;
      const until = new Date(periodStart + period).toISOString().slice(0, 10);
      process.stdout.write(
        `${verdict.padEnd(10)}${name}: ${last}, ${size(bytes)}, ${covered.toFixed(0)} % of this period (until ${until}) read\n`,
      );
    }
  return all.every(({ verdict }) => verdict === 'intact') ? 0 : SOMETHING_WRONG;
}

export async function listAudits(flags: { readonly quiet?: boolean; readonly json?: boolean }): Promise<number> {
  if (flags.quiet === true) {
    for (const name of await auditNames()) process.stdout.write(`${name}\n`);
    return 0;
  }
  const all = await opened('audits', (each) => each.list());
  if (flags.json === true) print({ audits: all });
  else
    for (const { name, store, objects, bytes } of all)
      process.stdout.write(`${name}: ${plain(store)}, ${count(objects, 'file')}, ${size(bytes)}\n`);
  return 0;
}

export async function removeAudits(names: readonly string[]): Promise<number> {
  for (const name of await named(names)) await opened(name, (all) => all.remove(name));
  return 0;
}

/** The audits that names, or their beginnings, stand for; all of them for none. */
async function named(names: readonly string[], one = false): Promise<readonly string[]> {
  const known = await auditNames();
  const hint = 'See "cloister audit ls"; "cloister audit add DIR" adds one';
  if (names.length === 0) {
    if (known.length === 0) throw new CloisterError('bad-usage', 'Nothing is audited yet', { hint });
    if (one && known.length > 1) throw new CloisterError('bad-usage', 'There are several audits: name one', { hint });
    return known;
  }
  return names.map((name) => {
    if (known.includes(name)) return name;
    const matching = known.filter((each) => each.startsWith(name));
    if (matching.length === 1) return matching[0]!;
    const what = matching.length === 0 ? `There is no audit "${name}"` : `"${name}" may be several audits`;
    throw new CloisterError('bad-usage', what, { hint });
  });
}

function checkedName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name) && !name.endsWith('.lock')) return name;
  throw new CloisterError('bad-usage', `"${name}" cannot be an audit's name`, {
    hint: 'Use letters, digits, ".", "_" and "-"',
  });
}

function blockSize(text: string): number {
  const match = /^(\d{1,7})(k?)$/i.exec(text);
  const bytes = match === null ? 0 : Number(match[1]) * (match[2] === '' ? 1 : 1024);
  if (bytes >= 4096 && bytes <= 128 * 1024) return bytes;
  throw new CloisterError('bad-usage', `"${text}" is no block size`, { hint: 'Give 4k to 128k, such as 16k' });
}

function number(text: string, flag: string): number {
  if (/^\d{1,7}$/.test(text) && Number(text) <= 1_000_000) return Number(text);
  throw new CloisterError('bad-usage', `"${text}" is no number of blocks for ${flag}`, { hint: 'Give 0 to 1000000' });
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify({ schema: 1, ...value }, null, 2)}\n`);
}

/** What each audit's receipts say, the newest last. */
export async function reportAudits(names: readonly string[], flags: { readonly json?: boolean }): Promise<number> {
  const all = await Promise.all(
    (await named(names)).map(async (name) => ({ name, receipts: await auditReceipts(name) })),
  );
  const good = all.every(({ receipts }) => receipts.every(({ verified }) => verified.ok));
  if (flags.json === true) {
    const shown = all.map(({ name, receipts }) => ({
      name,
      receipts: receipts.map(({ number, verified }) => ({ number, ...shownReceipt(verified) })),
    }));
    print({ root: 'software', notice: NOTICES.software, audits: shown });
    return good ? 0 : SOMETHING_WRONG;
  }
  process.stdout.write(`Root "software". ${NOTICES.software}.\n`);
  for (const { name, receipts } of all) {
    process.stdout.write(`${name}: ${count(receipts.length, 'receipt')}\n`);
    for (const { number, verified } of receipts)
      process.stdout.write(`  ${String(number).padStart(4)}  ${receiptLine(verified)}\n`);
  }
  return good ? 0 : SOMETHING_WRONG;
}
