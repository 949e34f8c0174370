import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { measurementText, type OfferPolicy, readOffer } from '../../../../evidence/src/index.ts';
import { converse, fromEnclave, keyEnvelope, keyOffer, toEnclave } from '../../../../protocol/src/index.ts';
import { mutate, randomFrom } from '../../../../protocol/src/testing/mutate.ts';
import { nodePrimitives, type Primitives } from '../../../../trusted/crypto/src/index.ts';
import { serveProver } from '../../../prover/src/index.ts';
import {
  type AuditContext,
  addStore,
  auditNames,
  auditReceipts,
  drawNonce,
  type HandOverOptions,
  handOver,
  makePolicy,
  offerKeys,
  removeAudit,
  runAudit,
  syncStore,
  takeOver,
} from '../index.ts';
import { enclaveHere, measuredHere } from '../testing/enclave-here.ts';
import { giveUnchecked, openedWithKeyFile, tapped } from '../testing/hostile-hands.ts';
import { type Laboratory, laboratory, noise } from '../testing/laboratory.ts';

const BLOCK = 4096;
const DEADLINE = { timeout: 60_000 };
/** The owner's machine, and the one that is to audit: two places for audits, one store. */
let owner: Laboratory;
let other: Laboratory;
let out: string;
beforeEach(() => {
  [owner, other] = [laboratory(), laboratory()];
  out = join(owner.store, '..', 'handed');
  owner.write('file', noise(5 * BLOCK));
  owner.write('folder/second', noise(100, 2));
});
afterEach(() => {
  owner.close();
  other.close();
});

const on = <T>(machine: Laboratory, work: () => Promise<T>): Promise<T> => {
  process.env.CLOISTER_HOME = machine.home;
  return work();
};
const context = (primitives: Primitives = nodePrimitives, heard?: (frame: Uint8Array) => void): AuditContext => ({
  ...{ startEnclave: enclaveHere(Date.now, primitives, heard), measureEnclave: measuredHere },
});
const here = context();
const add = (options = {}) =>
  on(owner, () => addStore(here, owner.store, { name: 'home', blockBytes: BLOCK, ...options }));
const nonce = async (now = Date.now()) => (await on(owner, () => drawNonce(here, 'home', now))).nonce;
const offer = async (asked: Uint8Array, machine = other, from = here) => {
  const { file, fingerprint } = await on(machine, () => offerKeys(from, { name: 'away', nonce: asked }));
  return { file, fingerprint };
};
const give = async (given: Partial<HandOverOptions> & Pick<HandOverOptions, 'offer'>, now = Date.now()) => {
  const policy = await makePolicy(here);
  return on(owner, () => handOver(here, 'home', { policy, out, ...given }, now));
};
const take = (machine = other, from = here) => on(machine, () => takeOver(from, out));
/** From the owner's `add` on, until the bundle is there. */
const handed = async () => {
  await add();
  const { file, fingerprint } = await offer(await nonce());
  await give({ offer: file, fingerprint });
  return fingerprint;
};
const run = (machine: Laboratory, name: string) => on(machine, () => runAudit(here, name, { all: true }));

describe('an audit that was handed over', () => {
  test('runs where it was taken over, and at home', DEADLINE, async () => {
    const fingerprint = await handed();
    const taken = await take();
    expect(taken).toMatchObject({ name: 'away', fingerprint, store: owner.store, objects: 2, audits: 0, counter: 1 });
    expect(await run(other, 'away')).toMatchObject({ wrong: [], blocks: 6, number: 1 });
    expect(await run(owner, 'home')).toMatchObject({ wrong: [], blocks: 6, number: 1 });
    owner.flip('file', 3 * BLOCK + 1);
    for (const [machine, name] of [
      [other, 'away'],
      [owner, 'home'],
    ] as const)
      expect((await run(machine, name)).wrong).toMatchObject([{ path: 'file', finding: 'corrupt', offset: 3 * BLOCK }]);
    // Each signs with a key of its own, for the same state.
    const [theirs] = await on(other, () => auditReceipts('away'));
    const [ours] = await on(owner, () => auditReceipts('home'));
    if (!theirs!.verified.ok || !ours!.verified.ok) throw new Error('Both receipts verify');
    expect(theirs!.verified.fingerprint).toBe(fingerprint);
    expect(ours!.verified.fingerprint).not.toBe(fingerprint);
    expect(theirs!.verified.claims.audit.state).toEqual(ours!.verified.claims.audit.state);
  });

  test(
    'has the name of the store that its owner gave, and what was tagged from the owner’s own copy',
    DEADLINE,
    async () => {
      await add({ from: owner.store });
      const { file, fingerprint } = await offer(await nonce());
      await give({ offer: file, fingerprint, store: '/mnt/elsewhere' });
      expect(await take()).toMatchObject({ store: '/mnt/elsewhere', objects: 2, sourceObjects: 2 });
    },
  );

  test('with many pages comes whole', DEADLINE, async () => {
    const long = 'x'.repeat(200);
    for (let i = 0; i < 700; i += 1) owner.write(`${long}/${long}/${i}`, noise(1, i));
    await handed();
    expect(readdirSync(join(out, 'pages')).length).toBeGreaterThan(1);
    await take();
    expect(await run(other, 'away')).toMatchObject({ wrong: [], blocks: 706 });
  });

  test.each(['gmac-cpor', 'cpor-public'])(
    'with a prover is asked of the same tags, under %s',
    DEADLINE,
    async (scheme) => {
      const prover = await serveProver(nodePrimitives, { directory: owner.store });
      try {
        await add({ prover: prover.url, scheme });
        const { file, fingerprint } = await offer(await nonce());
        await give({ offer: file, fingerprint });
        expect(existsSync(join(out, 'tags'))).toBe(false);
        await take();
        expect(await run(other, 'away')).toMatchObject({ wrong: [], blocks: 6 });
        owner.flip('file', 3 * BLOCK + 1);
        expect((await run(other, 'away')).wrong).toMatchObject([{ path: 'file', finding: 'not-proven' }]);
      } finally {
        await prover.close();
      }
    },
  );

  test('is forgotten like others, and so is an offer that waits', DEADLINE, async () => {
    await handed();
    await take();
    await on(other, () => removeAudit(here, 'away'));
    await offer(await nonce());
    await on(other, () => removeAudit(here, 'away'));
    expect([...other.kept().keys()]).toEqual([]);
    await on(owner, () => removeAudit(here, 'home'));
    expect([...owner.kept().keys()]).toEqual([]);
  });
});

describe('both sides may tag', () => {
  const newTags = async (primitives: Primitives): Promise<readonly [Set<string>, Set<string>]> => {
    const by = context(primitives);
    await handed();
    await take();
    // As many commits as at home: the number of the state tells the sessions apart no more than it must.
    await run(other, 'away');
    const tagsOf = (machine: Laboratory) =>
      [...machine.kept()].filter(([path]) => path.includes('/tags/')).map(([, bytes]) => bytes.toString('hex'));
    const before = new Set([...tagsOf(owner), ...tagsOf(other)]);
    owner.write('new', noise(2 * BLOCK, 7));
    await on(owner, () => syncStore(by, 'home', {}));
    await on(other, () => syncStore(by, 'away', {}));
    const fresh = (machine: Laboratory) => new Set(tagsOf(machine).filter((tags) => !before.has(tags)));
    return [fresh(owner), fresh(other)];
  };

  test('the same bytes as the same object: under no key that the other has', DEADLINE, async () => {
    const [ours, theirs] = await newTags(nodePrimitives);
    expect([ours.size, theirs.size]).toEqual([1, 1]);
    expect([...ours].filter((tags) => theirs.has(tags))).toEqual([]);
    expect(await run(other, 'away')).toMatchObject({ wrong: [], blocks: 8 });
    expect(await run(owner, 'home')).toMatchObject({ wrong: [], blocks: 8 });
  });

  test('the control: with the same salt on both sides they are the same tags', DEADLINE, async () => {
    const random = (length: number): Uint8Array =>
      length === 32 ? new Uint8Array(32).fill(3) : nodePrimitives.random(length);
    const [ours, theirs] = await newTags({ ...nodePrimitives, random });
    expect(ours.size).toBe(1);
    expect(ours).toEqual(theirs);
  });
});

describe('an owner gives keys to no offer', () => {
  const refusal = async (given: Parameters<typeof give>[0], now?: number): Promise<string> => {
    const error = await give(given, now).then(
      () => undefined,
      (thrown: Error & { code?: string }) => thrown,
    );
    expect(existsSync(out)).toBe(error === undefined);
    return error === undefined ? 'accepted' : `${error.code}: ${error.message}`;
  };

  test('of an enclave that was measured otherwise; the control: one that was not is given them', DEADLINE, async () => {
    await add();
    const changed: AuditContext = {
      ...here,
      measureEnclave: async () => ({ ...(await measuredHere()), bundle: new Uint8Array(32).fill(7) }),
    };
    const asked = await nonce();
    const bad = await offer(asked, other, changed);
    expect(await refusal({ offer: bad.file, fingerprint: bad.fingerprint })).toContain(`bundle ${'07'.repeat(32)}`);
    const good = await offer(asked);
    expect(await refusal({ offer: good.file, fingerprint: good.fingerprint })).toBe('accepted');
  });

  test('that is signed with another key, or with one that nobody knows', DEADLINE, async () => {
    await add();
    const asked = await nonce();
    // Somebody on the way makes an offer of his own, with the same build and the same nonce.
    const [mine, his] = [await offer(asked), await offer(asked)];
    expect(await refusal({ offer: his.file, fingerprint: mine.fingerprint })).toContain(
      'not with the one that was given',
    );
    expect(await refusal({ offer: his.file })).toContain('nobody says whose key');
    expect(await refusal({ offer: mine.file, fingerprint: mine.fingerprint })).toBe('accepted');
  });

  test('for an old nonce, a used one, or none', DEADLINE, async () => {
    await add();
    const first = await offer(await nonce());
    const { file, fingerprint } = await offer(await nonce());
    expect(await refusal({ offer: first.file, fingerprint: first.fingerprint })).toContain('another nonce');
    const later = Date.now() + 2 * 86_400_000;
    expect(await refusal({ offer: file, fingerprint }, later)).toContain('the policy allows 86400 s');
    expect(await refusal({ offer: file, fingerprint })).toBe('accepted');
    rmSync(out, { recursive: true });
    expect(await refusal({ offer: file, fingerprint })).toContain('No nonce of "home" waits');
  });

  test('under a policy that allows other roots, or that is none', DEADLINE, async () => {
    await add();
    const { file, fingerprint } = await offer(await nonce());
    const policy: OfferPolicy = {
      ...{ schema: 1, roots: ['tpm'], maxAge: 60, measurements: [measurementText(await measuredHere())], machines: [] },
    };
    expect(await refusal({ offer: file, fingerprint, policy })).toContain('its root is "software"');
    expect(await refusal({ offer: file.subarray(1), fingerprint })).toContain('it is none');
  });

  test('into a directory that is there', DEADLINE, async () => {
    await add();
    const { file, fingerprint } = await offer(await nonce());
    await expect(give({ offer: file, fingerprint, out: owner.store })).rejects.toMatchObject({ code: 'bad-out' });
    expect(await refusal({ offer: file, fingerprint })).toBe('accepted');
  });
});

describe('an enclave takes over nothing', () => {
  const refused = (code: string, machine = other) => expect(take(machine)).rejects.toMatchObject({ code });
  const part = (name: string): string => join(out, name);

  test('whose envelope was changed in a byte; the control: the one that was not', DEADLINE, async () => {
    await handed();
    const envelope = readFileSync(part('envelope'));
    for (let at = 0; at < envelope.length; at += 1) {
      const bent = Buffer.from(envelope);
      bent[at]! ^= 1 << (at & 7);
      writeFileSync(part('envelope'), bent);
      const error = await take().catch((thrown) => thrown);
      expect(['bad-envelope', 'no-offer'], `byte ${at}`).toContain(error.code);
    }
    for (const length of [0, 1, envelope.length - 1]) {
      writeFileSync(part('envelope'), envelope.subarray(0, length));
      await refused('bad-envelope');
    }
    writeFileSync(part('envelope'), envelope);
    expect(await take()).toMatchObject({ name: 'away' });
  });

  test('whose head or pages were changed, swapped or are missing', DEADLINE, async () => {
    await handed();
    const [head, page] = [part('head'), join(part('pages'), readdirSync(part('pages'))[0]!)];
    for (const path of [head, page]) {
      const bytes = readFileSync(path);
      for (let at = 0; at < bytes.length; at += 17) {
        const bent = Buffer.from(bytes);
        bent[at]! ^= 1;
        writeFileSync(path, bent);
        await refused('bad-envelope');
      }
      rmSync(path);
      await refused('bad-envelope');
      symlinkSync('/dev/zero', path);
      await refused('bad-envelope');
      rmSync(path);
      writeFileSync(path, bytes);
    }
    // The head that was handed over for another offer.
    const before = readFileSync(head);
    const { file, fingerprint } = await offer(await nonce(), laboratory());
    await give({ offer: file, fingerprint, out: `${out}-other` });
    writeFileSync(head, readFileSync(join(`${out}-other`, 'head')));
    await refused('bad-envelope');
    writeFileSync(head, before);
    expect(await take()).toMatchObject({ name: 'away' });
  });

  test('that was sealed for another one', DEADLINE, async () => {
    await handed();
    const third = laboratory();
    const theirs = await offer(new Uint8Array(32), third);
    await refused('no-offer', third);
    // Nor when the host says that it is for this one.
    const envelope = keyEnvelope.decode(readFileSync(part('envelope')))!;
    const { evidence } = keyOffer.decode(theirs.file)!;
    const renamed = { ...envelope, evidence: new Uint8Array(createHash('sha256').update(evidence).digest()) };
    writeFileSync(part('envelope'), keyEnvelope.encode(renamed));
    await expect(take(third)).rejects.toThrow('not sealed for this offer');
    third.close();
    writeFileSync(part('envelope'), keyEnvelope.encode(envelope));
    expect(await take()).toMatchObject({ name: 'away' });
  });

  test('from somebody who has not drawn the nonce', DEADLINE, async () => {
    await add();
    const { file } = await offer(await nonce());
    // He knows the offer and the nonce, and draws one of his own whose secret he has.
    const drawn = join(owner.home, 'data', 'audit-keys', 'home.nonce');
    const kept = JSON.parse(readFileSync(drawn, 'utf8'));
    expect(await handOverWith('00'.repeat(32))).toContain('not sealed by whoever has drawn the nonce');
    // The control: the owner.
    rmSync(out, { recursive: true });
    expect(await handOverWith(kept.secret)).toBe('taken');

    /** The job itself, past the check that an honest owner's side makes. */
    async function handOverWith(secret: string): Promise<string> {
      const read = readOffer(file);
      if (typeof read === 'string') throw new Error(read);
      const { recipient } = read.claims;
      const { evidence } = read.offer;
      const hash = new Uint8Array(createHash('sha256').update(evidence).digest());
      await on(owner, () => giveUnchecked(here, 'home', { recipient, evidence: hash, secret, out }));
      return take().then(
        () => 'taken',
        (error: Error) => error.message,
      );
    }
  });

  test(
    'twice, whatever of the disk is put back but the counter; the control: with the counter, too',
    DEADLINE,
    async () => {
      await handed();
      const before = other.kept();
      await take();
      await refused('no-offer');
      const after = other.kept();
      // The offer as it waited, beside what it became.
      other.restore(new Map([...before, ...after]));
      await refused('no-offer');
      // And without that: the counter is above 0.
      const counter = [...after].filter(([path]) => path.endsWith('.counter'));
      other.restore(new Map([...before, ...counter]));
      await expect(take()).rejects.toThrow('taken up before');
      // What a file cannot tell, and SECURITY.md says so.
      other.restore(before);
      expect(await take()).toMatchObject({ name: 'away' });
    },
  );

  test('in part: a kill before its head was kept leaves the offer as it was', DEADLINE, async () => {
    await handed();
    const before = other.kept();
    await take();
    const whatAKillLeaves = [...other.kept()].filter(
      ([path]) => /\/(pages|tags)\//.test(path) || /fingerprint$/.test(path),
    );
    other.restore(new Map([...before, ...whatAKillLeaves]));
    expect(await on(other, auditNames)).toEqual(['away']);
    await expect(run(other, 'away')).rejects.toMatchObject({ code: 'no-audit' });
    await take();
    expect(await run(other, 'away')).toMatchObject({ wrong: [], blocks: 6 });
  });

  test('of what no owner ever sealed (fuzzed envelopes and heads), and stays what it was', DEADLINE, async () => {
    await handed();
    const SEED = 20261126;
    const random = randomFrom(SEED);
    const [envelope, head] = ['envelope', 'head'].map((name) => new Uint8Array(readFileSync(part(name)))) as [
      Uint8Array,
      Uint8Array,
    ];
    const sealed = [...other.kept()].find(([path]) => path.endsWith('/sealed'))![1];
    const key = [...other.kept()].find(([path]) => path.endsWith('.key'))![1];
    const enclave = await here.startEnclave();
    const answers = converse(enclave.channel);
    const say = async (one: Uint8Array, two: Uint8Array): Promise<string> => {
      const message = {
        kind: 'take-over',
        key,
        counter: 0,
        mark: new Uint8Array(0),
        offer: sealed,
        envelope: one,
        head: two,
      } as const;
      enclave.channel.send(toEnclave.encode(message));
      const answer = fromEnclave.decode(await answers.next());
      return answer?.kind === 'failed' ? answer.failure : (answer?.kind ?? 'nothing');
    };
    for (let i = 0; i < 2000; i += 1) {
      const [one, two] = [mutate(random, envelope), mutate(random, head)];
      if (one.length === 0 || two.length === 0) continue;
      const isOwn = Buffer.compare(envelope, one) === 0 && Buffer.compare(head, two) === 0;
      if (!isOwn) expect(await say(one, two), `seed ${SEED}, case ${i}`).toBe('envelope');
    }
    // The control: it still takes what the owner has sealed.
    expect(await say(envelope, head)).toBe('page.want');
    enclave.end();
  });
});

describe('keys are in no file and no message', () => {
  /** Frames in both directions of every enclave, and all files of both machines and of what is carried between them. */
  const everything = async (scheme: string) => {
    const frames: Uint8Array[] = [];
    const canary = noise(32, 99);
    let draws = 0;
    // The first that the owner's enclave draws is the scheme's key.
    const random = (length: number): Uint8Array => {
      draws += 1;
      return draws === 1 ? canary.slice() : nodePrimitives.random(length);
    };
    const marked = tapped({ ...nodePrimitives, random }, frames);
    const plain = tapped(nodePrimitives, frames);
    await on(owner, () => addStore(marked, owner.store, { name: 'home', blockBytes: BLOCK, scheme }));
    const asked = await nonce();
    const { file, fingerprint } = await on(other, () => offerKeys(plain, { name: 'away', nonce: asked }));
    const policy = await makePolicy(here);
    const given = { offer: file, policy, out, fingerprint };
    await on(owner, () => handOver(plain, 'home', given));
    const pending = other.kept();
    await on(other, () => takeOver(plain, out));
    await on(other, () => runAudit(plain, 'away', { all: true }));
    const carried = readdirSync(out, { recursive: true, withFileTypes: true, encoding: 'utf8' })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name))] as const);
    return { canary: Buffer.from(canary), frames, files: [...owner.kept(), ...other.kept(), ...carried], pending };
  };

  test.each(['gmac-cpor', 'mac-pdp'])('of a hand-over under %s', DEADLINE, async (scheme) => {
    const { canary, frames, files } = await everything(scheme);
    expect(frames.length).toBeGreaterThan(20);
    expect(files.length).toBeGreaterThan(10);
    expect(files.filter(([, bytes]) => bytes.includes(canary)).map(([path]) => path)).toEqual([]);
    expect(frames.filter((frame) => Buffer.from(frame).includes(canary))).toHaveLength(0);
  });

  test('the control: who opens the offer with the auditing account’s key file finds it', DEADLINE, async () => {
    const { canary, pending } = await everything('gmac-cpor');
    const found = openedWithKeyFile(pending, out);
    expect(Buffer.from(found).includes(canary)).toBe(true);
  });
});
