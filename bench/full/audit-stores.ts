import { readdirSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { measureEnclave, runtimeDirectory, startEnclave } from '@cloister/launcher';
import { type AuditContext, addStore, runAudit, syncStore } from '../../packages/audit/auditor/src/index.ts';
import { openStore } from '../../packages/audit/auditor/src/stores/open-store.ts';
import { type AuditedBucket, auditedBucket, BLOCK } from '../../packages/audit/auditor/src/testing/audited-bucket.ts';
import { bucketWriter } from '../../packages/audit/auditor/src/testing/bucket-writer.ts';
import { faultCampaign } from '../../packages/audit/auditor/src/testing/fault-campaign.ts';
import { laboratory, noise } from '../../packages/audit/auditor/src/testing/laboratory.ts';
import type { FullCheck } from '../full.ts';
import { median } from '../measurement.ts';

/** CPU seconds of an audit of 460 blocks of 4 KiB over plain HTTP, client and enclave together, without start-up. */
const CPU_SECONDS_MAX = 0.2;
const SAMPLE = 460;

/** Audits of a bucket in Ceph: behind a faulty way, of many small objects, and what one costs. */
export const auditStores: FullCheck = async ({ quick }) => {
  const seed = Number(process.env.CLOISTER_SEED ?? Date.now() % 1e9);
  const lab = laboratory();
  const bucket = await auditedBucket(2000);
  try {
    await addStore(bucket.context, bucket.store, { name: 'bucket', blockBytes: BLOCK });
    const common = { seed, share: 0.4 };
    const campaigns = [];
    for (const [audits, sample, silentEvery] of quick
      ? [
          [300, 20, 100],
          [6, SAMPLE, 6],
        ]
      : [
          [10_000, 20, 250],
          [100, SAMPLE, 20],
        ]) {
      const campaign = { ...common, audits: audits!, sample: sample!, silentEvery: silentEvery! };
      const start = performance.now();
      const result = await faultCampaign(bucket.context, 'bucket', bucket.proxy, bucket.base, BLOCK, campaign);
      const seconds = Math.round((performance.now() - start) / 1000);
      campaigns.push({
        sample,
        seconds,
        ...result,
        mistakes: result.mistakes.slice(0, 20),
        wrong: result.mistakes.length,
      });
    }
    const cpu = await cpuOfAudits(bucket, quick ? 5 : 20);
    const small = await smallObjects(bucket, quick ? 2_000 : 100_000);
    return {
      holds:
        campaigns.every(({ wrong }) => wrong === 0) &&
        cpu.clientSeconds + cpu.enclaveSeconds <= CPU_SECONDS_MAX &&
        small.named,
      seed,
      hostLoad: loadavg().map((value) => Math.round(10 * value) / 10),
      campaigns,
      faultsServed: Object.fromEntries([...bucket.proxy.served].sort()),
      cpu: { goal: CPU_SECONDS_MAX, ...cpu },
      smallObjects: small,
    };
  } finally {
    await bucket.close();
    lab.close();
  }
};

const rounded = (seconds: number): number => Math.round(seconds * 1e4) / 1e4;

/** Of real enclaves, each a process of its own in its sandbox; from when one has started until its work is done. */
async function cpuOfAudits(bucket: AuditedBucket, audits: number) {
  const { endpoint } = bucket.gateway;
  const writer = bucketWriter(endpoint, 'audited');
  await writer.putInParts('large/object', noise(64 * 1024 * 1024, 5), 8 * 1024 * 1024);
  writer.close();
  const client: number[] = [];
  const enclave: number[] = [];
  const context: AuditContext = {
    measureEnclave,
    async startEnclave() {
      const started = await startEnclave();
      const pid = enclaveProcess();
      const [enclaveStart, clientStart] = [threadSeconds(pid), process.cpuUsage()];
      let noted = false;
      return {
        ...started,
        end() {
          if (!noted) {
            noted = true;
            const { user, system } = process.cpuUsage(clientStart);
            client.push((user + system) / 1e6);
            enclave.push(threadSeconds(pid) - enclaveStart);
          }
          started.end();
        },
      };
    },
  };
  await addStore(context, `s3://audited/large/?endpoint=${endpoint}`, { name: 'cpu', blockBytes: BLOCK });
  for (let audit = 0; audit <= audits; audit += 1) await runAudit(context, 'cpu', { sample: SAMPLE, dueMax: 0 });
  // Tagging, and the first audit, in which code is compiled.
  for (const list of [client, enclave]) list.splice(0, 2);
  return { audits, blocks: SAMPLE, clientSeconds: rounded(median(client)), enclaveSeconds: rounded(median(enclave)) };
}

/** The process of the enclave that this user's launcher started last. */
function enclaveProcess(): number {
  const parents = new Map<number, number>();
  const commands = new Map<number, string>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
      parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
      commands.set(Number(entry), readFileSync(`/proc/${entry}/cmdline`, 'latin1'));
    } catch {
      // It has ended meanwhile.
    }
  }
  // Other users' launchers have their sockets elsewhere.
  const isOurs = (pid: number): boolean =>
    pid > 1 &&
    (commands.get(pid)?.includes(`${runtimeDirectory()}/launcher`) === true || isOurs(parents.get(pid) ?? 0));
  const ours = [...commands].filter(([pid, command]) => /enclave\.cjs/.test(command) && isOurs(pid));
  const pid = ours
    .map(([id]) => id)
    .sort((one, other) => one - other)
    .at(-1);
  if (pid === undefined) throw new Error('The enclave has no process');
  return pid;
}

/** CPU seconds of all threads of a process, to the nanosecond. */
function threadSeconds(pid: number): number {
  let total = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    total += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]) / 1e9;
  return total;
}

/** Many small objects, of which one is removed: named by the listing, and by its block where there is no listing. */
async function smallObjects({ gateway, context }: AuditedBucket, count: number) {
  const writer = bucketWriter(gateway.endpoint, 'small');
  await writer.create();
  const keyOf = (number: number): string => `folder-${number % 100}/object-${number}`;
  const seconds: Record<string, number> = {};
  async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const result = await work();
    seconds[what] = Math.round((performance.now() - start) / 100) / 10;
    return result;
  }
  let next = 0;
  const put = async (): Promise<void> => {
    while (next < count) {
      const number = next;
      next += 1;
      await writer.put(keyOf(number), new TextEncoder().encode(`content of ${number}`));
    }
  };
  await timed('upload', async () => void (await Promise.all(Array.from({ length: 32 }, put))));
  // Past the proxy.
  const direct: AuditContext = {
    ...context,
    openStore,
  };
  const store = `s3://small?endpoint=${gateway.endpoint}`;
  const added = await timed('add', () => addStore(direct, store, { name: 'small', blockBytes: BLOCK }));
  const removed = keyOf(Math.floor(count / 3));
  await writer.delete(removed);
  const listed = await timed('byListing', () => runAudit(direct, 'small', { sample: 0, dueMax: 0 }));
  const unlisted: AuditContext = {
    ...context,
    async openStore(...args) {
      const opened = await openStore(...args);
      // A store that lists what it does not have any more.
      return { ...opened, list: () => withObject(opened.list(), removed) };
    },
  };
  const read = await timed('byBlocks', () => runAudit(unlisted, 'small', { all: true }));
  const synced = await timed('sync', () => syncStore(direct, 'small', { removed: true }));
  writer.close();
  const names = ({ wrong }: typeof read): string => wrong.map(({ finding, path }) => `${finding} ${path}`).join();
  return {
    ...{ objects: count, seconds, rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20) },
    named:
      added.objects === count &&
      names(listed) === `missing ${removed}` &&
      names(read) === `missing ${removed}` &&
      synced.forgotten === 1,
  };
}

async function* withObject<T extends { readonly path: string }>(list: AsyncIterable<T>, path: string) {
  let any: T | undefined;
  for await (const object of list) {
    any = object;
    yield object;
  }
  if (any !== undefined) yield { ...any, path };
}
