import { stat, writeFile } from 'node:fs/promises';
import { encodeOfferPolicy, NOTICES } from '@cloister/evidence';
import { HAND_OVER_FILE_BYTES_MAX } from '@cloister/protocol';
import { CloisterError, parseDuration, policyOf } from '@cloister/sdk';
import { count, plain, size } from '../amounts.ts';
import { checkedName } from '../flags.ts';
import { type KeyHomeFlags, keyHomeOf } from '../key-home.ts';
import { named, opened, print } from '../opened.ts';
import { bytesOf } from '../proofs.ts';

interface Json {
  readonly json?: boolean;
}
export interface GiveFlags extends Json {
  readonly offer?: string;
  readonly policy?: string;
  readonly key?: string;
  readonly store?: string;
  readonly out?: string;
}
export interface OfferFlags extends Json, KeyHomeFlags {
  readonly nonce: string;
  readonly name: string;
  readonly counter?: string;
  readonly out?: string;
}
export interface PolicyFlags {
  readonly tpm?: boolean;
  readonly maxAge: string;
  readonly out?: string;
}

const POLICY_BYTES_MAX = 2 ** 20;

const line = (text: string): void => void process.stdout.write(`${text}\n`);

/** 32 bytes in hexadecimal. */
function digits(text: string, what: string): Uint8Array {
  if (/^[0-9a-f]{64}$/.test(text)) return new Uint8Array(Buffer.from(text, 'hex'));
  throw new CloisterError('bad-usage', `"${text}" is no ${what}`, { hint: 'Give 64 hexadecimal digits' });
}

/** The owner's side, in two steps: a nonce, and the keys for the offer that has it. */
export async function handOverAudit(audit: string, flags: GiveFlags): Promise<number> {
  const [name] = (await named([audit], { one: true })) as [string];
  const { offer, policy, key, store, out = `${name}.handed`, json } = flags;
  if (offer === undefined) {
    if (policy !== undefined || key !== undefined)
      throw new CloisterError('bad-usage', 'There is no offer to give keys to', { hint: 'Name its file with --offer' });
    const { nonce } = await opened(name, (all) => all.nonce(name));
    const shown = Buffer.from(nonce).toString('hex');
    if (json === true) print({ name, nonce: shown });
    else {
      line('Where the audit is to go, have an offer made for this nonce, which is good for one:');
      line(`  cloister audit offer --name ${name} --nonce ${shown}`);
      line('Then here, with the key that is shown there, and what "cloister audit policy" says there:');
      line(`  cloister audit hand-over ${name} --offer ${name}.offer --policy policy.json --key KEY`);
    }
    return 0;
  }
  if (policy === undefined)
    throw new CloisterError('bad-usage', 'No policy says who may have the keys', {
      hint: 'Make one with "cloister audit policy", where the audit is to go, and name it with --policy',
    });
  if (key !== undefined) digits(key, 'fingerprint of a key');
  const options = {
    offer: await shortFile(offer, HAND_OVER_FILE_BYTES_MAX),
    policy: policyOf(Buffer.from(await shortFile(policy, POLICY_BYTES_MAX)).toString('utf8'), policy),
    ...{ fingerprint: key, store, out },
  };
  const handed = await opened(name, (all) => all.handOver(name, options));
  if (json === true) print(handed);
  else {
    line(`${name}: handed over. Bring "${handed.path}" there, and: cloister audit take-over ${handed.path}`);
    line(`Receipts from there are signed with the key ${handed.fingerprint}: note it where the store cannot reach.`);
    line('The audit here stays: "audit rm" forgets it.');
  }
  return 0;
}

/** The other side: an offer, with keys that no file and nobody has yet. */
export async function offerForAudit(flags: OfferFlags): Promise<number> {
  const name = checkedName(flags.name);
  const nonce = digits(flags.nonce, 'nonce');
  const { out = `${name}.offer`, json } = flags;
  await mustBeFree(out);
  const { file, fingerprint, root } = await opened(name, (all) =>
    all.offer({ name, nonce, keyHome: keyHomeOf(flags), counterAt: flags.counter }),
  );
  await written(out, file);
  if (json === true) print({ name, root, notice: NOTICES[root], fingerprint, file: out });
  else {
    line(`${name}: an offer lies in "${out}", for the owner`);
    line(`It is signed with the key ${fingerprint}`);
    if (root === 'software')
      line(
        'Root "software": nobody but you can tell the owner that this is its key. Bring it on a way that you trust.',
      );
  }
  return 0;
}

export async function showPolicy({ tpm, maxAge, out }: PolicyFlags): Promise<number> {
  const seconds = Math.ceil(parseDuration(maxAge) / 1000);
  const text = encodeOfferPolicy(await opened('policy', (all) => all.policy({ tpm, maxAge: seconds })));
  if (out === undefined) process.stdout.write(text);
  else await written(out, text);
  return 0;
}

export async function takeOverAudit(directory: string, { json }: Json): Promise<number> {
  const taken = await opened(directory, (all) => all.takeOver(directory));
  if (json === true) print(taken);
  else {
    const { name, store, objects, bytes, fingerprint } = taken;
    line(`${name}: ${count(objects, 'file')}, ${size(bytes)} of ${plain(store)}, taken over`);
    line(`Receipts are signed with the key ${fingerprint}`);
    line(`cloister audit run ${name}`);
  }
  return 0;
}

async function shortFile(path: string, most: number): Promise<Uint8Array> {
  const length = await stat(path).then(
    (facts) => (facts.isFile() ? facts.size : undefined),
    (error: Error) => {
      throw new CloisterError('bad-file', `Cannot read "${path}" (${error.message})`);
    },
  );
  if (length !== undefined && length <= most) return bytesOf(path);
  throw new CloisterError('bad-file', `"${path}" is no file, or too long to be what was asked for`);
}

/** An offer or a policy never goes over what is there. */
async function mustBeFree(path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined)) !== undefined)
    throw new CloisterError('bad-file', `"${path}" is there already`, { hint: 'Name another file with --out' });
}

async function written(path: string, content: Uint8Array | string): Promise<void> {
  await mustBeFree(path);
  await writeFile(path, content, { flag: 'wx' }).catch((error: Error) => {
    throw new CloisterError('bad-file', `Cannot write "${path}" (${error.message})`);
  });
}
