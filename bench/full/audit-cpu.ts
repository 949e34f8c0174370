import { readdirSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { measureEnclave, runtimeDirectory, startEnclave } from '@cloister/launcher';
import { type AuditContext, addStore, runAudit } from '../../packages/audit/auditor/src/index.ts';
import { bucketWriter } from '../../packages/audit/auditor/src/testing/bucket-writer.ts';
import { ACCESS_KEY, cephGateway, SECRET_KEY } from '../../packages/audit/auditor/src/testing/ceph-gateway.ts';
import { laboratory, noise } from '../../packages/audit/auditor/src/testing/laboratory.ts';
import type { FullCheck } from '../full.ts';
import { median } from '../measurement.ts';

/** Of an audit of 460 blocks of 4 KiB over plain HTTP, client and enclave together, without start-up. */
const CPU_SECONDS_MAX = 0.2;
const SAMPLE = 460;
const BLOCK = 4096;

/** What an audit of a bucket in Ceph costs in CPU time. */
export const auditCpu: FullCheck = async ({ quick }) => {
  process.env.AWS_ACCESS_KEY_ID = ACCESS_KEY;
  process.env.AWS_SECRET_ACCESS_KEY = SECRET_KEY;
  const lab = laboratory();
  const gateway = await cephGateway();
  try {
    const cpu = await cpuOfAudits(gateway.endpoint, quick ? 5 : 20);
    return {
      holds: cpu.clientSeconds + cpu.enclaveSeconds <= CPU_SECONDS_MAX,
      goal: CPU_SECONDS_MAX,
      hostLoad: loadavg().map((value) => Math.round(10 * value) / 10),
      ...cpu,
    };
  } finally {
    await gateway.stop();
    lab.close();
  }
};

const rounded = (seconds: number): number => Math.round(seconds * 1e4) / 1e4;

/** Of real enclaves, each a process of its own in its sandbox; from when one has started until its work is done. */
async function cpuOfAudits(endpoint: string, audits: number) {
  const writer = bucketWriter(endpoint, 'audited');
  await writer.create();
  await writer.putInParts('large/object', noise(64 * 1024 * 1024, 5), 8 * 1024 * 1024);
  writer.close();
  const client: number[] = [];
  const enclave: number[] = [];
  const context: AuditContext = {
    measureEnclave,
    async startEnclave() {
      const started = await startEnclave();
      const { channel } = started;
      const listen = channel.listen.bind(channel);
      let begun: { readonly pid: number; readonly enclave: number; readonly client: NodeJS.CpuUsage } | undefined;
      // It has started when it says something: before, its process is still its sandbox.
      channel.listen = (listener) =>
        listen({
          ...listener,
          frame(frame) {
            if (begun === undefined) {
              const pid = enclaveProcess();
              begun = { pid, enclave: threadSeconds(pid), client: process.cpuUsage() };
            }
            listener.frame(frame);
          },
        });
      let noted = false;
      return {
        ...started,
        end() {
          if (begun !== undefined && !noted) {
            noted = true;
            const { user, system } = process.cpuUsage(begun.client);
            client.push((user + system) / 1e6);
            enclave.push(threadSeconds(begun.pid) - begun.enclave);
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
  const processes = new Map<number, { readonly command: string; readonly parent: number; readonly started: number }>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
      // Fields after the name in parentheses, which may hold anything: state, ppid (4), …, starttime (22).
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const command = readFileSync(`/proc/${entry}/cmdline`, 'latin1');
      processes.set(Number(entry), { command, parent: Number(fields[1]), started: Number(fields[19]) });
    } catch {
      // It has ended meanwhile.
    }
  }
  // Other users' launchers have their sockets elsewhere.
  const isOurs = (pid: number): boolean => {
    const found = processes.get(pid);
    return found !== undefined && (found.command.includes(`${runtimeDirectory()}/launcher`) || isOurs(found.parent));
  };
  const ours = [...processes].filter(
    ([pid, { command }]) => /enclave\.cjs/.test(command) && !command.startsWith('bwrap') && isOurs(pid),
  );
  const last = ours.sort(([, one], [, other]) => one.started - other.started).at(-1);
  if (last === undefined) throw new Error('The enclave has no process');
  return last[0];
}

/** CPU seconds of all threads of a process, to the nanosecond. */
function threadSeconds(pid: number): number {
  let total = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    total += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]) / 1e9;
  return total;
}
