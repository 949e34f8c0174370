import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { measureEnclave, type StartLone, startEnclave } from '@cloister/launcher';
import { AUDIT_PIECE_BYTES_MAX, type FromEnclave, SEALING_KEY_BYTES } from '@cloister/protocol';
import { type EnclaveLink, linkTo } from '../../packages/audit/auditor/src/enclave-link.ts';
import { enclaveHere, measuredHere } from '../../packages/audit/auditor/src/testing/enclave-here.ts';
import { childrenOf, processCpuSeconds } from '../process-tree.ts';
import { ASKED } from './scheme-bed.ts';

const BLOCK_BYTES = 16 * 1024;
/** As `cloister audit add` cuts its objects. */
const EXTENT_BYTES = 256 * 2 ** 20;
const AUDITS = 20;
const DAY_MS = 86_400_000;
const WISH = {
  root: 'software',
  store: 'bench',
  prover: '',
  counterAt: '',
  blockBytes: BLOCK_BYTES,
  period: 30 * DAY_MS,
} as const;

/** CPU seconds; `enclave` is 0 where it works in this process. */
export interface Spent {
  readonly enclave: number;
  readonly client: number;
}

export interface EnclaveWork {
  readonly keyGen: Spent;
  /** Of all bytes. */
  readonly tag: Spent;
  /** Challenge, reads and Verify: 460 blocks, drawn, read from memory with their tags, and checked; the state sealed and a receipt signed. */
  readonly audit: Spent;
}

/**
 * What an enclave does for `cloister audit`: in a compartment of its own, sandbox and all, or the same code in this
 * process. Bytes come from memory, and are the same 256 MiB again and again.
 */
export async function enclaveWork(scheme: string, bytes: number, where: 'compartment' | 'here'): Promise<EnclaveWork> {
  const start: StartLone = where === 'here' ? enclaveHere() : startEnclave;
  const enclave = await start();
  const link = linkTo(enclave);
  const keep = keeper(link);
  let pid: number | undefined;
  const data = randomBytes(Math.min(bytes, EXTENT_BYTES));
  const tags: Uint8Array[] = [];
  const spent = async (work: () => Promise<void>): Promise<Spent> => {
    const from = process.cpuUsage();
    const before = pid === undefined ? 0 : processCpuSeconds(pid);
    await work();
    const { user, system } = process.cpuUsage(from);
    return {
      enclave: pid === undefined ? 0 : processCpuSeconds(pid) - before,
      client: (user + system) / 1e6,
    };
  };
  try {
    const measurement = await (where === 'here' ? measuredHere() : measureEnclave());
    await link.run({ kind: 'measured', ...measurement });
    // It has answered, and so is what it will be.
    if (where === 'compartment') pid = enclaveProcess();
    const keyGen = await spent(async () => {
      const key = randomBytes(SEALING_KEY_BYTES);
      await link.run({ kind: 'create', key, ...WISH, scheme });
      await link.run({ kind: 'commit' }, keep);
    });
    // What is compiled when it is first run is no part of it.
    await tagAll(link, data, Math.min(bytes, EXTENT_BYTES), 'first', []);
    const tag = await spent(async () => {
      await tagAll(link, data, bytes, 'file', tags);
      await link.run({ kind: 'commit' }, keep);
    });
    await link.run({ kind: 'forget', path: 'first' });
    await link.run({ kind: 'commit' }, keep);
    await auditOnce(link, keep, data, Buffer.concat(tags));
    const all = await spent(async () => {
      const stored = Buffer.concat(tags);
      for (let at = 0; at < AUDITS; at += 1) await auditOnce(link, keep, data, stored);
    });
    return { keyGen, tag, audit: { enclave: all.enclave / AUDITS, client: all.client / AUDITS } };
  } finally {
    await link.end();
  }
}

/** The enclave that this process has started: below it in the tree, and last of those that start one another. */
function enclaveProcess(): number {
  const below = (pid: number): readonly number[] => childrenOf(pid).flatMap((child) => [child, ...below(child)]);
  const found = below(process.pid).filter((pid) => {
    try {
      return (
        readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('enclave.cjs') &&
        readdirSync(`/proc/${pid}/task`).length > 1
      );
    } catch {
      return false;
    }
  });
  return found.at(-1) ?? fail('The enclave is no process below this one');
}

function fail(what: string): never {
  throw new Error(what);
}

/** What every client does beside its job: keeps the sealed state, and gives it back. */
function keeper(link: EnclaveLink) {
  const pages = new Map<string, Uint8Array>();
  const nameOf = (id: Uint8Array): string => Buffer.from(id).toString('hex');
  return async (answer: FromEnclave): Promise<void> => {
    if (answer.kind === 'head' || answer.kind === 'mark') await link.send({ kind: 'kept' });
    else if (answer.kind === 'page') pages.set(nameOf(answer.id), answer.bytes.slice());
    else if (answer.kind === 'page.want') await link.send({ kind: 'page', bytes: pages.get(nameOf(answer.id))! });
  };
}
type Keeper = ReturnType<typeof keeper>;

async function tagAll(
  link: EnclaveLink,
  data: Uint8Array,
  bytes: number,
  path: string,
  tags: Uint8Array[],
): Promise<void> {
  for (let offset = 0; offset < bytes; offset += EXTENT_BYTES) {
    const length = Math.min(EXTENT_BYTES, bytes - offset);
    const place = {
      path,
      offset,
      length,
      objectBytes: bytes,
      pin: '1',
      pack: 'p',
      tagsAt: (offset / BLOCK_BYTES) * 32,
    };
    await link.send({ kind: 'tag', ...place, baseline: 'store', replace: false });
    const answers = link.finish((answer: FromEnclave) => {
      if (answer.kind === 'tags') tags.push(answer.bytes.slice());
    });
    for (let at = 0; at < length; at += AUDIT_PIECE_BYTES_MAX)
      await link.send({ kind: 'data', bytes: data.subarray(at, at + AUDIT_PIECE_BYTES_MAX) });
    await link.send({ kind: 'data.end', complete: true });
    await answers;
  }
}

async function auditOnce(link: EnclaveLink, keep: Keeper, data: Uint8Array, tags: Uint8Array): Promise<void> {
  await link.run({ kind: 'audit', all: false, sample: ASKED, due: 0 }, async (answer) => {
    if (answer.kind === 'read') {
      const { ask, offset, length, tagsLength } = answer;
      const at = offset % EXTENT_BYTES;
      const tagsAt = (offset / length) * tagsLength;
      await link.send({
        kind: 'blocks',
        ask,
        bytes: data.subarray(at, at + length),
        tags: tags.subarray(tagsAt, tagsAt + tagsLength),
      });
    } else if (answer.kind === 'finding') fail(`An intact block was called ${answer.finding}`);
    else await keep(answer);
  });
  await link.run({ kind: 'commit' }, keep);
}
