import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { generateKeys, makeChallenge, proveFile, STEP_FILES, schemeFacts, tagFile, verifyProof } from '@cloister/sdk';
import { commitHere } from '../commit-here.ts';
import type { FullCheck } from '../full.ts';

const BLOCK_BYTES = 16 * 1024;
const ASKED = 460;
const BYTES = { quick: 2 ** 21, whole: 2 ** 30 } as const;
const PIECE_BYTES = 2 ** 20;

type Row = Awaited<ReturnType<typeof gibRow>> & { readonly commit: string };

/** All rows take hours: one that was interrupted goes on after the last one that is here. */
const KEPT = join(tmpdir(), 'cloister-pdp-gib.jsonl');

/**
 * Each scheme's five functions on a real file of 1 GiB, as `cloister audit keygen|tag|challenge|prove|verify` do them, at the
 * default parameters: a right proof is accepted, and that of a file of which each block has one changed bit is not.
 */
export const pdpGib: FullCheck = async ({ quick }) => {
  const kept = quick || !existsSync(KEPT) ? [] : readFileSync(KEPT, 'utf8').trim().split('\n');
  const rows = kept.map((line) => JSON.parse(line) as Row);
  for (const { name, selections } of schemeFacts()) {
    if (rows.some(({ scheme }) => scheme === name)) continue;
    const found = await gibRow(name, quick ? BYTES.quick : BYTES.whole, selections.includes('token'));
    const row = { ...found, commit: commitHere() };
    console.error(JSON.stringify(row));
    if (!quick) appendFileSync(KEPT, `${JSON.stringify(row)}\n`);
    rows.push(row);
  }
  if (!quick) rmSync(KEPT, { force: true });
  return { holds: rows.every(({ accepted, changedAccepted }) => accepted && !changedAccepted), rows };
};

/** @param ofTokens whether what is asked is a token's, whose blocks nobody chooses */
async function gibRow(scheme: string, bytes: number, ofTokens: boolean) {
  const folder = mkdtempSync(join(tmpdir(), 'cloister-gib-'));
  const seconds: Record<string, number> = {};
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const from = performance.now();
    const result = await work();
    seconds[what] = Math.round(performance.now() - from) / 1000;
    return result;
  };
  try {
    const file = join(folder, 'file');
    writeNoise(file, bytes);
    const keys = await timed('keyGen', () =>
      generateKeys(scheme, join(folder, 'key'), { blockBytes: BLOCK_BYTES, insecure: true }),
    );
    const isPublic = schemeFacts().find(({ name }) => name === scheme)!.verification === 'public';
    const verifying = isPublic ? keys.public : keys.secret;
    await timed('tag', () =>
      tagFile({ secretKey: keys.secret, publicKey: keys.public, file, blockBytes: BLOCK_BYTES }),
    );
    const tau = `${file}${STEP_FILES.fileTag}`;
    const count = Math.min(ASKED, bytes / BLOCK_BYTES);
    const selection = ofTokens ? ({ kind: 'token', token: 0 } as const) : ({ kind: 'sample', count } as const);
    const { challenge, asked } = await timed('challenge', () => makeChallenge(verifying, tau, selection, file));
    // What a server has of a scheme for copies is one of them.
    const replica = `${file}${STEP_FILES.replica}`;
    const data = existsSync(replica) ? replica : file;
    const place = { data, tags: `${file}${STEP_FILES.tags}`, nodes: `${file}${STEP_FILES.nodes}`, fileTag: tau };
    const proof = join(folder, 'proof');
    await timed('prove', () => proveFile(keys.public, place, challenge, proof));
    const right = await timed('verify', () => verifyProof(verifying, tau, asked, proof));
    changeBlocks(data, bytes / BLOCK_BYTES);
    await proveFile(keys.public, place, challenge, proof);
    const wrong = await verifyProof(verifying, tau, asked, proof);
    return { scheme, bytes, seconds, accepted: right.accepted, changedAccepted: wrong.accepted };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeNoise(path: string, bytes: number): void {
  const file = openSync(path, 'w');
  for (let at = 0; at < bytes; at += PIECE_BYTES) writeSync(file, randomBytes(PIECE_BYTES));
  closeSync(file);
}

/** One bit of each, at another place: sums of such changes do not cancel out, as E-PDP's do. */
function changeBlocks(path: string, blocks: number): void {
  const file = openSync(path, 'r+');
  const each = Math.floor(statSync(path).size / blocks);
  const byte = new Uint8Array(1);
  for (let block = 0; block < blocks; block += 1) {
    const at = block * each + 100 + (block % (BLOCK_BYTES - 200));
    readSync(file, byte, 0, 1, at);
    byte[0]! ^= 1;
    writeSync(file, byte, 0, 1, at);
  }
  closeSync(file);
}
