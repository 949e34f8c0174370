import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, verify } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, assert, beforeAll, beforeEach, expect, test } from 'vitest';
import { countersGoUp, decodeQuote, encodeQuote, verifyQuote } from '../../../evidence/src/index.ts';
import { type AuditContext, addStore, attestationKeyOf, auditReceipts, removeAudit, runAudit } from './index.ts';
import { enclaveHere, measuredHere } from './testing/enclave-here.ts';
import { type Laboratory, laboratory, noise } from './testing/laboratory.ts';
import { type SoftwareTpm, softwareTpm } from './testing/software-tpm.ts';
import { withTpm } from './tpm.ts';

const BLOCK = 4096;
const DEADLINE = 120_000;
let tpm: SoftwareTpm;
let lab: Laboratory;
const context: AuditContext = { startEnclave: enclaveHere(), measureEnclave: measuredHere };
/** Another enclave: its code differs. */
const changed: AuditContext = {
  ...context,
  measureEnclave: async () => ({ ...(await measuredHere()), bundle: new Uint8Array(32).fill(1) }),
};
const tpm2 = (command: string, ...args: readonly string[]): string => {
  try {
    return execFileSync(`tpm2_${command}`, args, { cwd: tpm.folder, encoding: 'utf8', timeout: 30_000, stdio: 'pipe' });
  } finally {
    for (const kind of ['-t', '-l', '-s']) execFileSync('tpm2_flushcontext', [kind], { timeout: 30_000 });
  }
};

beforeAll(async () => {
  tpm = await softwareTpm();
});
afterAll(() => tpm.close());
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
  for (const name of ['message', 'signature', 'pcrs'] as const) writeFileSync(join(tpm.folder, name), quote[name]);
  writeFileSync(join(tpm.folder, 'ak.pem'), quote.publicKey);
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
  expect(readFileSync(join(tpm.folder, 'ak.pem'), 'utf8')).toContain('PUBLIC KEY');
});

test('its counter is certified beside each receipt, as the TPM and OpenSSL see it', { timeout: DEADLINE }, async () => {
  await add();
  await runAudit(context, 'lab');
  await runAudit(context, 'lab');
  const counted = (await auditReceipts('lab')).map(({ number, bytes, verified }) => {
    const path = [...lab.kept().keys()].find((name) => name.endsWith(`${number}.cose.quote`))!;
    const quote = decodeQuote(new Uint8Array(lab.kept().get(path)!))!;
    const { attestationKey, counter } = verifyQuote(quote, bytes)!;
    assert(verified.ok);
    const { state } = verified.claims.audit;
    return { number, bytes, quote, state, attestationKey, counter: counter! };
  });
  expect(counted).toHaveLength(2);
  const [first, last] = counted as [(typeof counted)[0], (typeof counted)[0]];
  expect(last.counter.value).toBe(first.counter.value + 1);
  // One key of one TPM, which `add` has noted.
  for (const { attestationKey } of counted)
    expect(Buffer.from(attestationKey).toString('hex')).toBe(await attestationKeyOf('lab'));
  const { bytes, quote } = last;
  const { counter } = quote;

  // What the TPM says itself: the value, the index's name, and that its key has signed.
  const handle = `0x${last.counter.index.toString(16)}`;
  tpm2('nvread', '-C', 'o', '-s', '8', '-o', 'value', handle);
  expect(Number(readFileSync(join(tpm.folder, 'value')).readBigUInt64BE())).toBe(last.counter.value);
  const name = /name: ([0-9a-f]{68})/.exec(tpm2('nvreadpublic', handle))![1];
  expect(name).toBe(`000b${createHash('sha256').update(counter!.public).digest('hex')}`);
  expect(Buffer.from(counter!.message).includes(Buffer.from(name!, 'hex'))).toBe(true);
  writeFileSync(join(tpm.folder, 'certified'), counter!.message);
  writeFileSync(join(tpm.folder, 'certified.signature'), counter!.signature);
  writeFileSync(join(tpm.folder, 'ak.pem'), quote.publicKey);
  tpm2('loadexternal', '-Q', '-C', 'o', '-G', 'ecc', '-u', 'ak.pem', '-c', 'ak.loaded');
  tpm2('verifysignature', '-c', 'ak.loaded', '-g', 'sha256', '-m', 'certified', '-s', 'certified.signature');
  // It prints what all attestations have, then says that it knows no more of this type.
  const print = spawnSync('tpm2_print', ['-t', 'TPMS_ATTEST', 'certified'], { cwd: tpm.folder, encoding: 'utf8' });
  expect(print.stdout).toContain('type: 8014');
  expect(print.stdout).toContain(`extraData: ${createHash('sha256').update(bytes).digest('hex')}`);
  const [r, s] = [counter!.signature.subarray(6, 38), counter!.signature.subarray(40, 72)];
  const isSigned = verify(
    'sha256',
    counter!.message,
    { key: quote.publicKey, dsaEncoding: 'ieee-p1363' },
    Buffer.concat([r, s]),
  );
  expect(isSigned).toBe(true);

  // Any changed bit, another receipt's, the registers' own, or what is no counter, is none.
  for (const part of ['message', 'signature', 'public'] as const)
    for (let at = 0; at < counter![part].length; at += 1) {
      const bent = counter![part].slice();
      bent[at]! ^= 1;
      expect(verifyQuote({ ...quote, counter: { ...counter!, [part]: bent } }, bytes), `${part} ${at}`).toBeUndefined();
    }
  expect(verifyQuote({ ...quote, counter: first.quote.counter! }, bytes)).toBeUndefined();
  expect(verifyQuote({ ...quote, counter: { ...quote, public: counter!.public } }, bytes)).toBeUndefined();
  expect(verifyQuote(decodeQuote(encodeQuote(quote))!, bytes)).toMatchObject({ counter: last.counter });

  expect(countersGoUp(counted)).toBe(true);
  expect(countersGoUp([first, { ...last, counter: first.counter }])).toBe(false);
  expect(countersGoUp([last, { ...first, number: 3 }])).toBe(false);
  expect(countersGoUp([first, last, { ...first, counter: last.counter }])).toBe(false);
  expect(countersGoUp([first, { ...last, state: new Uint8Array(32), counter: first.counter }])).toBe(true);
});

test('an index that anybody can set is no counter, though the TPM certifies it', { timeout: DEADLINE }, async () => {
  const handle = '0x1500123';
  tpm2('nvdefine', '-Q', '-C', 'o', '-s', '8', '-a', 'ownerread|ownerwrite|authread|authwrite|no_da', handle);
  writeFileSync(join(tpm.folder, 'high'), Buffer.alloc(8, 1));
  tpm2('nvwrite', '-Q', '-C', 'o', '-i', 'high', handle);
  try {
    const nonce = createHash('sha256').update('receipt').digest();
    const quote = await withTpm(new Uint8Array(32), (tpm) => tpm.quote(nonce, Number(handle)));
    expect(verifyQuote(quote, Buffer.from('receipt'))).toBeUndefined();
    const { counter: _, ...without } = quote;
    expect(verifyQuote(without, Buffer.from('receipt'))).toBeDefined();
  } finally {
    tpm2('nvundefine', '-Q', '-C', 'o', handle);
  }
});

test('without a TPM it says so in one line', { timeout: DEADLINE }, async () => {
  const there = process.env.TPM2TOOLS_TCTI;
  process.env.TPM2TOOLS_TCTI = 'swtpm:path=/nowhere';
  try {
    await expect(add()).rejects.toMatchObject({ code: 'no-tpm' });
  } finally {
    process.env.TPM2TOOLS_TCTI = there;
  }
});
