import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { decodeQuote, verifyQuote } from '../../../evidence/src/index.ts';
import { type AuditContext, addStore, auditReceipts, removeAudit, runAudit } from './index.ts';
import { enclaveHere, measuredHere } from './testing/enclave-here.ts';
import { type Laboratory, laboratory, noise } from './testing/laboratory.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloister-swtpm-'));
const socket = join(folder, 'tpm.sock');
const swtpm = spawn(
  'swtpm',
  [
    ...['socket', '--tpm2', '--tpmstate', `dir=${folder}`, '--server', `type=unixio,path=${socket}`],
    ...['--ctrl', `type=unixio,path=${socket}.ctrl`, '--flags', 'not-need-init,startup-clear'],
  ],
  { stdio: 'ignore' },
);
const BLOCK = 4096;
const DEADLINE = 120_000;
let lab: Laboratory;
const context: AuditContext = { startEnclave: enclaveHere(), measureEnclave: measuredHere };
/** Another enclave: its code differs. */
const changed: AuditContext = {
  ...context,
  measureEnclave: async () => ({ ...(await measuredHere()), bundle: new Uint8Array(32).fill(1) }),
};
const tpm2 = (command: string, ...args: readonly string[]): string => {
  try {
    return execFileSync(`tpm2_${command}`, args, { cwd: folder, encoding: 'utf8', timeout: 30_000, stdio: 'pipe' });
  } finally {
    for (const kind of ['-t', '-l', '-s']) execFileSync('tpm2_flushcontext', [kind], { timeout: 30_000 });
  }
};

beforeAll(async () => {
  process.env.TPM2TOOLS_TCTI = `swtpm:path=${socket}`;
  for (let i = 0; i < 500 && !existsSync(`${socket}.ctrl`); i += 1) await sleep(20);
});
afterAll(() => {
  delete process.env.TPM2TOOLS_TCTI;
  swtpm.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  lab = laboratory();
  lab.write('file', noise(4 * BLOCK));
});
afterEach(() => lab.close());
const add = (): Promise<unknown> =>
  addStore(context, lab.store, { name: 'lab', blockBytes: BLOCK, keyHome: { kind: 'tpm' } });
const receiptFile = (): string => [...lab.kept().keys()].find((path) => path.endsWith('.cose'))!;

test('a key that the TPM keeps opens for the enclave that it was sealed for, and for no other', {
  timeout: DEADLINE,
}, async () => {
  await add();
  expect(await runAudit(context, 'lab', { all: true })).toMatchObject({ wrong: [], facts: { root: 'tpm' } });
  // What root "software" does not contain: a changed bundle, honestly measured, has no key.
  await expect(runAudit(changed, 'lab')).rejects.toMatchObject({ code: 'bad-key' });
  // Nor has a machine that has booted something else.
  tpm2('pcrextend', `7:sha256=${'11'.repeat(32)}`);
  await expect(runAudit(context, 'lab')).rejects.toMatchObject({ code: 'bad-key' });
});

test('its counter only goes up: an older copy of everything on the disk is refused', {
  timeout: DEADLINE,
}, async () => {
  await add();
  const older = lab.kept();
  await runAudit(context, 'lab');
  const newer = lab.kept();
  lab.restore(older);
  await expect(runAudit(context, 'lab')).rejects.toMatchObject({ code: 'rolled-back' });
  lab.restore(newer);
  expect(await runAudit(context, 'lab')).toMatchObject({ wrong: [], number: 2 });
  await removeAudit(context, 'lab');
  expect([...lab.kept().keys()].filter((path) => path.includes('lab'))).toEqual([]);
});

test('a receipt is quoted, as tpm2_checkquote and we see it', { timeout: DEADLINE }, async () => {
  await add();
  await runAudit(context, 'lab');
  const [kept] = await auditReceipts('lab');
  expect(kept!.verified).toMatchObject({ ok: true, claims: { root: 'tpm' } });
  const quote = decodeQuote(new Uint8Array(lab.kept().get(`${receiptFile()}.quote`)!))!;
  const registers = verifyQuote(quote, kept!.bytes)!;
  // The digest is over what the registers hold.
  const values = tpm2('pcrread', 'sha256:0,2,4,7,23').match(/0x[0-9A-F]{64}/g)!;
  const digest = createHash('sha256')
    .update(Buffer.from(values.map((value) => value.slice(2)).join(''), 'hex'))
    .digest();
  expect(Buffer.from(registers.pcrDigest)).toEqual(digest);
  for (const name of ['message', 'signature', 'pcrs'] as const) writeFileSync(join(folder, name), quote[name]);
  writeFileSync(join(folder, 'ak.pem'), quote.publicKey);
  const check = (nonce: string): string =>
    tpm2(
      'checkquote',
      ...['-u', 'ak.pem', '-m', 'message', '-s', 'signature', '-f', 'pcrs', '-g', 'sha256', '-q', nonce],
    );
  const nonce = createHash('sha256').update(kept!.bytes).digest('hex');
  check(nonce);
  expect(() => check('00'.repeat(32))).toThrow();
  // Any other receipt, and any changed bit, is not what was quoted.
  expect(verifyQuote(quote, new Uint8Array([...kept!.bytes, 0]))).toBeUndefined();
  for (const name of ['message', 'signature'] as const)
    for (let at = 0; at < quote[name].length; at += 1) {
      const bent = quote[name].slice();
      bent[at]! ^= 1;
      expect(verifyQuote({ ...quote, [name]: bent }, kept!.bytes), `${name} ${at}`).toBeUndefined();
    }
  expect(readFileSync(join(folder, 'ak.pem'), 'utf8')).toContain('PUBLIC KEY');
});

test('without a TPM it says so in one line', { timeout: DEADLINE }, async () => {
  process.env.TPM2TOOLS_TCTI = 'swtpm:path=/nowhere';
  try {
    await expect(add()).rejects.toMatchObject({ code: 'no-tpm' });
  } finally {
    process.env.TPM2TOOLS_TCTI = `swtpm:path=${socket}`;
  }
});
