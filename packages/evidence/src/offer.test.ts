import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { keyOffer } from '@cloister/protocol';
import { describe, expect, test } from 'vitest';
import {
  BOOT_REGISTERS,
  decodeOfferPolicy,
  encodeOfferPolicy,
  encodeQuote,
  measurementDigest,
  measurementText,
  type OfferPolicy,
  type OfferQuestion,
  verifyOffer,
  verifyReceipt,
} from './index.ts';
import { makeOffer, type OfferClaims } from './make/index.ts';
import { quotingMachine } from './testing/quoted.ts';

const { privateKey, publicKey: publicObject } = generateKeyPairSync('ed25519');
const publicKey = new Uint8Array(publicObject.export({ format: 'der', type: 'spki' }).subarray(12));
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const fill = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const measurement = {
  ...{ bundle: fill(1), filter: fill(2), node: fill(3), libraries: fill(4), command: '["node"]', level: 'full' },
};
const claims: OfferClaims = {
  ...{ iat: 1_795_651_200, root: 'software', publicKey, measurement, nonce: fill(5), recipient: fill(6) },
};
const kid = sha256(publicKey);
const fingerprint = Buffer.from(kid).toString('hex');
const evidenceOf = (changed: Partial<OfferClaims> = {}): Promise<Uint8Array> =>
  makeOffer({ ...claims, ...changed }, kid, (message) => sign(null, message, privateKey));
const fileOf = (evidence: Uint8Array, quote: Uint8Array = new Uint8Array(0)): Uint8Array =>
  keyOffer.encode({ kind: 'offer', evidence, quote });

const policy: OfferPolicy = {
  ...{ schema: 1, roots: ['software'], maxAge: 3600, measurements: [measurementText(measurement)], machines: [] },
};
const question: OfferQuestion = { policy, nonce: fill(5), age: 60_000, fingerprint };

describe('an offer', () => {
  test('that meets the policy is accepted, and says to whom keys are sealed', async () => {
    const evidence = await evidenceOf();
    const verdict = verifyOffer(fileOf(evidence), question);
    expect(verdict).toEqual({ ok: true, claims, evidence: sha256(evidence), fingerprint });
  });

  test.each<[string, Partial<OfferClaims>, Partial<OfferQuestion>, string]>([
    ['another nonce', { nonce: fill(9) }, {}, 'another nonce'],
    ['an old nonce', {}, { age: 3_601_000 }, '3601 s ago'],
    ['a nonce from the future', {}, { age: -1 }, 'ago'],
    ['another root', { root: 'tpm' }, {}, 'its root is "tpm", and the policy allows software'],
    ['another bundle', { measurement: { ...measurement, bundle: fill(7) } }, {}, `(bundle ${'07'.repeat(32)})`],
    ['another level', { measurement: { ...measurement, level: 'none' } }, {}, '(level none)'],
    ['a command more', { measurement: { ...measurement, command: '["node","--x"]' } }, {}, 'command ["node","--x"]'],
    ['another key', {}, { fingerprint: 'ab'.repeat(32) }, 'not with the one that was given'],
    ['a key that nobody knows', {}, { fingerprint: undefined }, 'none was given'],
    ['a policy without measurements', {}, { policy: { ...policy, measurements: [] } }, 'no measurement'],
    ['a policy without roots', {}, { policy: { ...policy, roots: [] } }, 'allows none'],
  ])('with %s is refused, in a line that says so', async (_what, changed, asked, why) => {
    const verdict = verifyOffer(fileOf(await evidenceOf(changed)), { ...question, ...asked });
    expect(verdict).toMatchObject({ ok: false });
    expect(verdict.ok ? '' : verdict.why).toContain(why);
    expect(verdict.ok ? '' : verdict.why).not.toContain('\n');
  });

  test('is believed to the bit', async () => {
    const file = fileOf(await evidenceOf());
    for (let at = 0; at < file.length; at += 1) {
      const bent = file.slice();
      bent[at]! ^= 1 << (at & 7);
      expect(verifyOffer(bent, question).ok, `byte ${at}`).toBe(false);
    }
    for (let length = 0; length < file.length; length += 1)
      expect(verifyOffer(file.subarray(0, length), question).ok).toBe(false);
    expect(verifyOffer(new Uint8Array([...file, 0]), question).ok).toBe(false);
  });

  test('is no receipt', async () => {
    expect(verifyReceipt(await evidenceOf())).toEqual({ ok: false, flaw: 'malformed' });
  });
});

describe('an offer with the root "tpm"', () => {
  const machine = quotingMachine();
  const boot = new Map(BOOT_REGISTERS.map((name, at) => [Number(name), fill(0x20 + at)]));
  const enclaveRegister = sha256(new Uint8Array([...new Uint8Array(32), ...measurementDigest(measurement)]));
  const registers = new Map([...boot, [23, enclaveRegister] as const]);
  const texts = Object.fromEntries([...boot].map(([name, value]) => [name, Buffer.from(value).toString('hex')]));
  const known = { attestationKey: machine.attestationKey, registers: texts as never };
  const tpmPolicy: OfferPolicy = { ...policy, roots: ['tpm'], machines: [known] };
  const asked: OfferQuestion = { ...question, policy: tpmPolicy, fingerprint: undefined };
  const quoted = async (
    about?: Uint8Array,
    values: ReadonlyMap<number, Uint8Array> = registers,
    by = machine,
  ): Promise<Uint8Array> => {
    const evidence = await evidenceOf({ root: 'tpm' });
    return fileOf(evidence, encodeQuote(by.quote(about ?? evidence, values)));
  };

  test('needs no key that is known: the machine vouches for it', async () => {
    expect(verifyOffer(await quoted(), asked)).toMatchObject({ ok: true, fingerprint });
    expect(verifyOffer(await quoted(), { ...asked, fingerprint: 'ab'.repeat(32) }).ok).toBe(false);
  });

  test('is refused without a quote, with that of other evidence, another TPM, boot or enclave', async () => {
    const why = async (file: Promise<Uint8Array>, changed: Partial<OfferQuestion> = {}): Promise<string> => {
      const verdict = verifyOffer(await file, { ...asked, ...changed });
      return verdict.ok ? 'accepted' : verdict.why;
    };
    expect(await why(evidenceOf({ root: 'tpm' }).then((evidence) => fileOf(evidence)))).toContain('quote is none');
    expect(await why(quoted(fill(1)))).toContain('not for it');
    expect(await why(quoted(undefined, registers, quotingMachine()))).toContain('attestation key');
    expect(await why(quoted(), { policy: { ...tpmPolicy, machines: [] } })).toContain('does not name');
    expect(await why(quoted(undefined, new Map([...registers, [7, fill(0x99)]])))).toContain('another boot');
    // Register 23 for another enclave than the evidence claims.
    expect(await why(quoted(undefined, new Map([...registers, [23, fill(0x99)]])))).toContain('another enclave');
    // The same values in registers that anybody may reset and extend again.
    const [zero, ...others] = [...registers];
    const elsewhere = new Map([...others.slice(0, 3), [16, zero![1]] as const, others[3]!]);
    expect(await why(quoted(undefined, elsewhere))).toContain('other registers (sha256:2,4,7,16,23)');
  });
});

test('a policy is what it says, and nothing that has a word more or less', () => {
  const json = encodeOfferPolicy(policy);
  expect(decodeOfferPolicy(json)).toEqual(policy);
  const { maxAge: _, ...less } = policy;
  for (const other of [less, { ...policy, more: 1 }, { ...policy, schema: 2 }, { ...policy, roots: ['sgx'] }, [], 1])
    expect(decodeOfferPolicy(JSON.stringify(other))).toBeUndefined();
  for (let length = 0; length < json.trimEnd().length; length += 1)
    expect(decodeOfferPolicy(json.slice(0, length))).toBeUndefined();
});
