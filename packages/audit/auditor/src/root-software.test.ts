import { mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { measureEnclave, startEnclave } from '../../../host/launcher/src/index.ts';
import { processOf } from '../../../host/launcher/src/sandbox/linux/process-of.ts';
import { launchedIn } from '../../../host/launcher/src/testing/residue.ts';
import { nodePrimitives } from '../../../trusted/crypto/src/index.ts';
import { type AuditContext, addStore, auditReceipts, fingerprintOf, runAudit } from './index.ts';
import { withAudit } from './open-audit.ts';
import { enclaveHere, measuredHere } from './testing/enclave-here.ts';
import { type Laboratory, laboratory, noise } from './testing/laboratory.ts';

// What root "software" does not contain, as its notice says; SECURITY.md lists both. Each succeeds here.

const BLOCK = 4096;
const runtime = mkdtempSync(join(tmpdir(), 'root-software-'));
process.env.CLOISTER_RUNTIME_DIR = runtime;
afterAll(() => rmSync(runtime, { recursive: true, force: true }));
let lab: Laboratory;
beforeEach(() => {
  lab = laboratory();
  lab.write('file', noise(4 * BLOCK));
});
afterEach(() => lab.close());

const onLinuxAsRoot = test.runIf(process.platform === 'linux' && process.getuid?.() === 0);

onLinuxAsRoot('not contained: whoever may read the enclave’s memory reads its key', { timeout: 60_000 }, async () => {
  const context: AuditContext = { startEnclave, measureEnclave };
  await addStore(context, lab.store, { name: 'lab', blockBytes: BLOCK });
  const key = lab.kept().get('data/audit-keys/lab.key')!;
  await withAudit(context, 'lab', undefined, async () => {
    const holders = launchedIn(runtime).map(({ pid, command }) => ({
      kind: /(\w+)\.cjs/.exec(command)?.[1] ?? 'launcher',
      found: holdsInMemory(processOf(pid), key),
    }));
    expect(holders.filter(({ found }) => found).map(({ kind }) => kind)).toContain('enclave');
    // The control: what it does not pass through does not have it.
    expect(holders.filter(({ kind }) => kind === 'toolstack').some(({ found }) => found)).toBe(false);
  });
});

test('not contained: a changed bundle under the old measurement signs what it likes', async () => {
  const blind = { ...nodePrimitives, equal: () => true };
  const honest: AuditContext = { startEnclave: enclaveHere(), measureEnclave: measuredHere };
  const changed: AuditContext = { startEnclave: enclaveHere(Date.now, blind), measureEnclave: measuredHere };
  await addStore(honest, lab.store, { name: 'lab', blockBytes: BLOCK });
  lab.flip('file', 2 * BLOCK);
  // The control: the code that was measured finds it.
  expect((await runAudit(honest, 'lab', { all: true })).wrong).toHaveLength(1);
  expect((await runAudit(changed, 'lab', { all: true })).wrong).toEqual([]);
  const [first, second] = await auditReceipts('lab');
  expect(second!.verified).toMatchObject({ ok: true, fingerprint: await fingerprintOf('lab') });
  if (!first!.verified.ok || !second!.verified.ok) throw new Error('Both receipts verify');
  expect(second!.verified.claims.measurement).toEqual(first!.verified.claims.measurement);
});

/** Whether some memory that a process may write has these bytes. */
function holdsInMemory(pid: number, bytes: Buffer): boolean {
  if (!readdirSync('/proc').includes(String(pid))) return false;
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const piece = Buffer.alloc(4 * 1024 * 1024 + bytes.length);
  for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
    const area = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
    if (area === null) continue;
    const end = Number.parseInt(area[2]!, 16);
    for (let at = Number.parseInt(area[1]!, 16); at < end; at += piece.length - bytes.length)
      try {
        const read = readSync(memory, piece, 0, Math.min(piece.length, end - at), at);
        if (piece.subarray(0, read).includes(bytes)) return true;
      } catch {
        // A page that was never touched, or is the kernel's.
      }
  }
  return false;
}
