import { readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloisterError, type CompartmentFacts, exitCounts, machines } from '@cloister/sdk';
import { type DetachedRun, detachedRuns, outputOf, removeRun } from './detached.ts';

const STOP_POLL_MS = 100;
/** `stop` waits so long for a VM to end in order before it kills it, in milliseconds. */
const STOP_MS = 15_000;
const INSPECTOR_MS = 10_000;

/** The VM that a person means: its number, the beginning of it, or its label when only one has it. */
async function resolve(name: string, among: readonly { vm: string; label: string }[]): Promise<string> {
  const found = among.filter(({ vm, label }) => label === name || (name !== '' && vm.startsWith(name)));
  const exact = found.find(({ vm }) => vm === name);
  if (exact !== undefined) return exact.vm;
  if (found.length === 1) return found[0]!.vm;
  throw new CloisterError('no-vm', found.length === 0 ? `There is no VM "${name}"` : `Several VMs match "${name}"`);
}
const running = async (name: string): Promise<string> => resolve(name, await machines.list());

/** `cloister ps`: what runs; with `all`, also runs in the background that have ended. */
export async function listMachines(flags: { all?: boolean; json?: boolean; quiet?: boolean }): Promise<number> {
  const list = await machines.list();
  const ended = flags.all === true ? (await detachedRuns()).filter(({ status }) => status !== undefined) : [];
  const rows = [
    ...list.map(({ vm, label, started }) => ({ vm, label, started, status: 'running' })),
    ...ended.map((run) => ({ vm: run.vm, label: run.label, started: run.started, status: statusText(run) })),
  ];
  if (flags.json === true) process.stdout.write(`${JSON.stringify({ schema: 1, machines: rows }, null, 2)}\n`);
  else if (flags.quiet === true) for (const { vm } of rows) process.stdout.write(`${vm}\n`);
  else
    writeTable([
      ['VM', 'LABEL', 'STATUS', 'SINCE'],
      ...rows.map(({ vm, label, status, started }) => [vm, label, status, age(started)]),
    ]);
  return 0;
}

const statusText = ({ status }: DetachedRun): string => (status === null ? 'lost' : `exited ${status}`);

/** `cloister inspect`: a VM, its level, its compartments and what each holds. */
export async function inspectMachine(name: string, flags: { compartments?: boolean; json?: boolean }): Promise<number> {
  const found = await machines.inspect(await running(name));
  const parts = found.compartments.map(({ status, ...part }) => ({
    ...part,
    ...(part.kind === 'machine' ? { exits: exitCounts(status) } : {}),
  }));
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify({ schema: 1, ...found, compartments: parts }, null, 2)}\n`);
    return 0;
  }
  process.stdout.write(`${found.vm}  ${found.label}, since ${age(found.started)}, protection level "${found.level}"\n`);
  writeTable([
    ['COMPARTMENT', 'PID', 'LEVEL', 'MEMORY', 'RESTARTS', 'CODE'],
    ...found.compartments.map(({ kind, pid, level, memory, restarts, code }) => [
      kind,
      pid === null ? '-' : `${pid}`,
      level,
      memory === null ? '-' : `${(memory / 2 ** 20).toFixed(1)} MiB`,
      `${restarts}`,
      code.slice(0, 12),
    ]),
  ]);
  const exits = parts.find(({ kind }) => kind === 'machine')?.exits;
  if (exits !== undefined) {
    const counts = Object.entries(exits).map(([reason, count]) => `${reason} ${count}`);
    process.stdout.write(`Round trips to the slice by exit reason: ${counts.join(', ')}\n`);
  }
  if (flags.compartments === true) for (const part of found.compartments) writeDescriptors(part);
  return 0;
}

function writeDescriptors({ kind, descriptors }: CompartmentFacts): void {
  process.stdout.write(`${kind} holds:\n`);
  for (const [fd, what] of Object.entries(descriptors).sort(([a], [b]) => Number(a) - Number(b)))
    process.stdout.write(`  ${fd.padStart(3)}  ${what}\n`);
}

/** `cloister stop` asks each to end, and after a while ends it; `cloister kill` ends each at once. */
export async function endMachines(names: readonly string[], how: 'stop' | 'kill'): Promise<number> {
  for (const name of names) {
    const vm = await running(name);
    await machines[how](vm);
    const deadline = Date.now() + STOP_MS;
    while ((await machines.list()).some((one) => one.vm === vm)) {
      if (Date.now() > deadline) await machines.kill(vm).catch(() => undefined);
      await sleep(STOP_POLL_MS);
    }
    process.stdout.write(`${vm}\n`);
  }
  return 0;
}

/** `cloister rm`: forgets runs in the background that have ended; with `force`, ends them first. */
export async function removeMachines(names: readonly string[], flags: { force?: boolean }): Promise<number> {
  for (const name of names) {
    const vm = await resolve(name, await detachedRuns());
    const run = (await detachedRuns()).find((one) => one.vm === vm)!;
    if (run.status === undefined && flags.force !== true)
      throw new CloisterError('no-vm', `The VM "${name}" runs`, { hint: 'Stop it first, or use rm -f' });
    if (run.status === undefined) await endMachines([vm], 'kill');
    else process.stdout.write(`${vm}\n`);
    removeRun(vm);
  }
  return 0;
}

/** `cloister logs`: what a run in the background wrote; with `operator`, what a VM's compartments say. */
export async function showLogs(name: string, flags: { operator?: boolean; follow?: boolean }): Promise<number> {
  if (flags.operator === true) {
    process.stdout.write(machines.operatorLog(await running(name)));
    return 0;
  }
  const runs = await detachedRuns();
  const vm = await resolve(name, runs);
  const seen = { stdout: 0, stderr: 0 };
  for (;;) {
    const ended = (await detachedRuns()).find((one) => one.vm === vm)?.status !== undefined;
    const output = outputOf(vm);
    for (const stream of ['stdout', 'stderr'] as const) {
      const bytes = output?.[stream].subarray(seen[stream]) ?? Buffer.alloc(0);
      process[stream].write(bytes);
      seen[stream] += bytes.length;
    }
    if (flags.follow !== true || ended || output === undefined) return 0;
    await sleep(STOP_POLL_MS);
  }
}

/** `cloister upgrade`: another build of the slice under a running VM. */
export async function upgradeSlice(name: string, flags: { slice?: string }): Promise<number> {
  if (flags.slice !== undefined && !isFile(flags.slice))
    throw new CloisterError('bad-file', `There is no file "${flags.slice}"`);
  await machines.upgrade(await running(name), flags.slice);
  return 0;
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile() && readFileSync(path).length > 0;
  } catch {
    return false;
  }
}

/** `cloister debug --slice`: an inspector on a live slice, which leaves its sandbox for that. */
export async function debugSlice(name: string): Promise<number> {
  const vm = await running(name);
  const before = machines.operatorLog(vm).length;
  await machines.debug(vm);
  for (const deadline = Date.now() + INSPECTOR_MS; Date.now() < deadline; await sleep(50)) {
    const url = /ws:\/\/127\.0\.0\.1:\d+\/[-0-9a-f]+/.exec(machines.operatorLog(vm).slice(before));
    if (url === null) continue;
    process.stdout.write(`${url[0]}\n`);
    process.stderr.write(
      `The slice of ${vm} runs without its sandbox while it is debugged; "cloister upgrade ${vm}" ends that.\n` +
        'Open chrome://inspect, or give the address to another debugger.\n',
    );
    return 0;
  }
  throw new CloisterError('machine-failed', 'The slice opened no inspector', {
    hint: `See cloister logs --operator ${vm}`,
  });
}

function writeTable(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows)
    process.stdout.write(
      `${row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd()}\n`,
    );
}

function age(since: number): string {
  const seconds = Math.max(0, Math.round((Date.now() - since) / 1000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
