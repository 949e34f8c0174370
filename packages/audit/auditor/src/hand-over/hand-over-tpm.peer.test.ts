import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { OfferPolicy } from '../../../../evidence/src/index.ts';
import {
  type AuditContext,
  addStore,
  drawNonce,
  handOver,
  makePolicy,
  offerKeys,
  runAudit,
  takeOver,
} from '../index.ts';
import { enclaveHere, measuredHere } from '../testing/enclave-here.ts';
import { type Laboratory, laboratory, noise } from '../testing/laboratory.ts';
import { softwareTpm } from '../testing/software-tpm.ts';

const BLOCK = 4096;
const DEADLINE = { timeout: 120_000 };
const here: AuditContext = { startEnclave: enclaveHere(), measureEnclave: measuredHere };
/** Another build. */
const changed: AuditContext = {
  ...here,
  measureEnclave: async () => ({ ...(await measuredHere()), bundle: new Uint8Array(32).fill(1) }),
};
let tpm: Awaited<ReturnType<typeof softwareTpm>>;
let owner: Laboratory;
let other: Laboratory;
let out: string;

beforeAll(async () => {
  tpm = await softwareTpm();
});
afterAll(() => tpm.close());
beforeEach(() => {
  [owner, other] = [laboratory(), laboratory()];
  out = join(owner.store, '..', 'handed');
  owner.write('file', noise(4 * BLOCK));
});
afterEach(() => {
  owner.close();
  other.close();
});
const on = <T>(machine: Laboratory, work: () => Promise<T>): Promise<T> => {
  process.env.CLOISTER_HOME = machine.home;
  return work();
};
const offer = async (from = here): Promise<Uint8Array> => {
  const { nonce } = await on(owner, () => drawNonce(here, 'home', Date.now()));
  return (await on(other, () => offerKeys(from, { name: 'away', nonce, keyHome: { kind: 'tpm' } }))).file;
};
const give = (file: Uint8Array, policy: OfferPolicy) =>
  on(owner, () => handOver(here, 'home', { offer: file, policy, out }));

test(
  'keys go to the machine, boot and enclave that the policy names, and no key need be compared',
  DEADLINE,
  async () => {
    await on(owner, () => addStore(here, owner.store, { name: 'home', blockBytes: BLOCK }));
    const policy = await makePolicy(here, { tpm: true });
    await give(await offer(), policy);
    const before = other.kept();
    expect(await on(other, () => takeOver(here, out))).toMatchObject({ name: 'away', root: 'tpm' });
    expect(await on(other, () => runAudit(here, 'away', { all: true }))).toMatchObject({ wrong: [], blocks: 4 });
    // The TPM has counted: an older copy of everything takes nothing over again.
    other.restore(before);
    await expect(on(other, () => takeOver(here, out))).rejects.toThrow('taken up before');
  },
);

test('and to no other machine, boot or enclave', DEADLINE, async () => {
  await on(owner, () => addStore(here, owner.store, { name: 'home', blockBytes: BLOCK }));
  const policy = await makePolicy(here, { tpm: true });
  const both = { ...policy, measurements: [...policy.measurements, ...(await makePolicy(changed)).measurements] };
  const [machine] = policy.machines;
  const stranger = { ...policy, machines: [{ ...machine!, attestationKey: 'ab'.repeat(32) }] };
  await expect(give(await offer(), stranger)).rejects.toThrow('the policy does not name');
  await expect(give(await offer(changed), policy)).rejects.toThrow('bundle');
  const file = await offer();
  // What was measured into register 23 is what the evidence says, and not another one that is allowed, too.
  await give(file, both);
  rmSync(out, { recursive: true });
  execFileSync('tpm2_pcrextend', [`7:sha256=${'11'.repeat(32)}`], { timeout: 30_000 });
  await expect(give(await offer(), policy)).rejects.toThrow('another boot');
  // The control: whoever says that this boot is meant.
  await give(await offer(), await makePolicy(here, { tpm: true }));
});
