import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readIfThere, writeAtomically } from '@cloister/files';
import { COUNTER_MARK_BYTES_MAX } from '@cloister/protocol';
import { AuditError, fail, failFile } from './audit-error.ts';
import type { CounterHome } from './counter-home.ts';
import { keysDirectory } from './keys-directory.ts';
import { type ConditionalObject, conditionalObject } from './stores/conditional-object.ts';
import { StoreLoss } from './stores/store.ts';

/** What lies there until the first mark is written. */
const PLACEHOLDER = Buffer.from('cloister audit counter 0\n');
/** An entity tag that no server gives. */
const NO_TAG = '"cloister-no-such-tag"';
/** Writes that a busy server may refuse although nothing has changed. */
const ATTEMPTS = 5;
const BUSY_MS = 50;

const path = (name: string): string => join(keysDirectory(), `${name}.counter-at`);

/**
 * A counter that a second store keeps, in one object, as marks that the enclave has sealed: the store makes none and changes
 * none. What it can do is to refuse, which ends the audit with an error, and to give an older one back, which helps only
 * whoever puts back the state of just that number: both stores have to go back together. Each mark replaces the one that was
 * read, or none at all (If-Match, RFC 9110, 13.1.1), so that of two who go on from copies of one state the second is told.
 */
function storeCounter(object: ConditionalObject): CounterHome {
  /** Of what was there last. */
  let tag: string | undefined;
  async function there(): Promise<Uint8Array | undefined> {
    const found = await object.get(COUNTER_MARK_BYTES_MAX);
    if (found !== undefined && !/^"[^"]*"$/.test(found.tag ?? ''))
      fail('bad-counter', `"${object.name}" has no strong entity tag: nobody can say which state of it to replace`);
    tag = found?.tag;
    return found?.bytes;
  }
  return {
    at: object.name,
    read: () =>
      asked(async () => {
        const found = await there();
        const mark = found === undefined || PLACEHOLDER.equals(found) ? new Uint8Array(0) : found;
        return { counter: 0, mark };
      }),
    advance: (_counter, mark) =>
      asked(async () => {
        for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
          if (attempt > 0) await sleep(BUSY_MS * 2 ** attempt);
          const before = tag;
          const isDone = await object.put(mark, before);
          // Also where it was refused: an answer may have been lost, and the write come twice.
          const found = await there();
          if (found !== undefined && Buffer.compare(found, mark) === 0) return;
          if (isDone || tag !== before)
            fail(
              'other-writer',
              `Somebody else has changed the counter at "${object.name}": this audit has another copy`,
            );
        }
        fail('store-unreachable', `"${object.name}" goes on refusing the counter`);
      }),
    close: () => object.close(),
  };
}

/** What a store's losses are to whoever needs the counter. */
async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StoreLoss)) throw error;
    return fail('store-unreachable', `The counter cannot be had: ${error.message}`, error);
  }
}

/**
 * Prepares a new counter, and finds out whether its store knows conditions: one that does not would let two go on from one
 * copy until either opens its state again. Undefined for no second store.
 * @throws AuditError `bad-counter`, `store-unreachable`
 */
export async function makeStoreCounter(name: string, at: string): Promise<CounterHome | undefined> {
  if (at === '') {
    // What an `add` left that was killed before it had a key.
    await rm(path(name), { force: true });
    return undefined;
  }
  const object = await conditionalObject(at);
  const counter = storeCounter(object);
  try {
    await asked(() => probe(object));
    await counter.read();
    await writeAtomically(path(name), `${at}\n`).catch((error) => failFile(path(name), error));
    return counter;
  } catch (error) {
    object.close();
    throw error;
  }
}

async function probe(object: ConditionalObject): Promise<void> {
  const found = await object.get(COUNTER_MARK_BYTES_MAX);
  const isOurs = found !== undefined && PLACEHOLDER.equals(found.bytes);
  if (found !== undefined && !isOurs) fail('bad-counter', `Something lies at "${object.name}" already`);
  // Refused where another one was quicker, or an answer was lost; what lies there says.
  if (!isOurs) await object.put(PLACEHOLDER, undefined);
  const now = await object.get(COUNTER_MARK_BYTES_MAX);
  if (now === undefined || !PLACEHOLDER.equals(now.bytes))
    fail('bad-counter', `What is put at "${object.name}" is not what lies there then`);
  for (const [tag, condition] of [
    [undefined, 'If-None-Match'],
    [NO_TAG, 'If-Match'],
  ] as const)
    if (await object.put(PLACEHOLDER, tag))
      fail(
        'bad-counter',
        `"${object.name}" is replaced whatever ${condition} says: its server does not know conditions`,
      );
  if (now.tag !== undefined && !(await object.put(PLACEHOLDER, now.tag)))
    fail('bad-counter', `"${object.name}" is not replaced though If-Match names it`);
}

/** The counter's second store, if the audit has one. @throws AuditError `bad-store` */
export async function openStoreCounter(name: string): Promise<CounterHome | undefined> {
  const at = (await readIfThere(path(name)))?.toString('utf8').trim();
  return at === undefined ? undefined : storeCounter(await conditionalObject(at));
}

/** Takes the object away, as far as its store lets us. */
export async function removeStoreCounter(name: string, warn: (line: string) => void): Promise<void> {
  const at = (await readIfThere(path(name)))?.toString('utf8').trim();
  if (at === undefined) return;
  try {
    const object = await conditionalObject(at);
    await object.delete().finally(() => object.close());
  } catch (error) {
    if (!(error instanceof StoreLoss) && !(error instanceof AuditError)) throw error;
    warn(`The counter stays at "${at}": ${error.message}`);
  }
  await rm(path(name), { force: true });
}
