import { readFileSync } from 'node:fs';
import { COMPARTMENT_KINDS, type CompartmentKind } from '../packages/host/launcher/src/sandbox/compartment-kind.ts';
import { rulesOf } from '../packages/host/launcher/src/sandbox/linux/allow-lists.ts';

/** Where Node begins in a log that has bubblewrap before it. */
const NODE_BEGINS = 'execve("/n/node"';

/**
 * The system calls in a log of `strace -f` that the list of a kind does not have, and how often each was made.
 * In a log of a whole sandbox, what its making took does not count.
 */
export function systemCallsOutside(
  kind: string,
  log: string,
  { jitless }: { readonly jitless: boolean },
): ReadonlyMap<string, number> {
  if (!(COMPARTMENT_KINDS as readonly string[]).includes(kind))
    throw new Error(`There is no kind "${kind}"; known: ${COMPARTMENT_KINDS.join(', ')}`);
  const allowed = new Set<string>(rulesOf(kind as CompartmentKind, { jitless, landlock: false }).keys());
  const lines = readFileSync(log, 'latin1').split('\n');
  const begin = lines.findIndex((line) => line.includes(NODE_BEGINS));
  const node = begin < 0 ? undefined : /^(\d+) /.exec(lines[begin]!)?.[1];
  const threads = new Set([node]);
  const outside = new Map<string, number>();
  let calls = 0;
  for (const line of lines.slice(Math.max(begin, 0))) {
    const [, thread, name] = /^(?:(\d+) +)?([a-z_0-9]+)\(/.exec(line) ?? [];
    const born = /(?:clone3?\(.*|clone3? resumed.*) = (\d+)$/.exec(line);
    if (born !== null && (node === undefined || threads.has(/^\d+/.exec(line)?.[0]))) threads.add(born[1]);
    if (name === undefined || (node !== undefined && !threads.has(thread))) continue;
    calls++;
    if (!allowed.has(name)) outside.set(name, (outside.get(name) ?? 0) + 1);
  }
  if (calls === 0) throw new Error(`"${log}" has no system call in it: it is no log of strace -f`);
  return outside;
}
