import { stat } from 'node:fs/promises';
import {
  CloisterError,
  generateKeys,
  makeChallenge,
  proveFile,
  STEP_FILES,
  schemeFacts,
  tagFile,
  verifyProof,
} from '@cloister/sdk';
import { statusLine } from '../../status-line.ts';
import { plain } from '../amounts.ts';
import { parseSize } from '../flags.ts';
import { print, SOMETHING_WRONG } from '../opened.ts';
import { progressBar } from '../progress-bar.ts';
import { type SelectionFlags, selectionOf } from './selection.ts';

const BLOCK_BYTES = 16 * 1024;
/** Of an RSA modulus. */
const PRIMES = 2;

/** Shows on stderr what `work` tells of itself. */
async function shown<T>(work: (show: (text: string) => void) => Promise<T>): Promise<T> {
  const status = statusLine();
  try {
    return await work((text) => status.show(text));
  } finally {
    status.clear();
  }
}

const wrote = (paths: Iterable<string>): void => {
  for (const path of paths) process.stdout.write(`${path}\n`);
};

export async function keygenStep(flags: {
  readonly scheme: string;
  readonly out: string;
  readonly bits?: string;
  readonly blockSize?: string;
  readonly insecure?: boolean;
}): Promise<number> {
  const hasPrimes = schemeFacts().find(({ name }) => name === flags.scheme)?.modulus === true;
  const begun = performance.now();
  let found = 0;
  const paths = await shown(async (show) => {
    const tell = (): void => {
      const seconds = (performance.now() - begun) / 1000;
      const what = hasPrimes ? `safe primes, ${found} of ${PRIMES} found` : `${found} public values made`;
      const left = hasPrimes && found > 0 ? `, about ${Math.ceil((seconds / found) * (PRIMES - found))} s left` : '';
      show(`${flags.scheme}: ${what}, ${Math.floor(seconds)} s${left}`);
    };
    const clock = setInterval(tell, 250);
    try {
      return await generateKeys(flags.scheme, flags.out, {
        ...(flags.bits !== undefined && { modulusBits: bits(flags.bits) }),
        ...(flags.blockSize !== undefined && { blockBytes: parseSize(flags.blockSize, '--block-size') }),
        ...(flags.insecure === true && { insecure: true }),
        onProgress(now) {
          found = now;
          tell();
        },
      });
    } finally {
      clearInterval(clock);
    }
  });
  wrote(Object.values(paths));
  return 0;
}

export async function tagStep(
  file: string,
  flags: { readonly key: string; readonly public?: string; readonly blockSize?: string },
): Promise<number> {
  const blockBytes = flags.blockSize === undefined ? BLOCK_BYTES : parseSize(flags.blockSize, '--block-size');
  const beside = flags.key.endsWith(STEP_FILES.secretKey)
    ? `${flags.key.slice(0, -STEP_FILES.secretKey.length)}${STEP_FILES.publicKey}`
    : undefined;
  const isThere = beside !== undefined && (await stat(beside).catch(() => undefined)) !== undefined;
  const publicKey = flags.public ?? (isThere ? beside : undefined);
  const bar = progressBar();
  wrote(
    await shown((show) =>
      tagFile({
        ...{ secretKey: flags.key, file, blockBytes, publicKey },
        progress: (done, of) => show(`${plain(file)}: tagging${bar(done, of)}`),
      }),
    ),
  );
  return 0;
}

export async function challengeStep(
  tau: string,
  flags: SelectionFlags & { readonly key: string; readonly out?: string },
): Promise<number> {
  const file = tau.endsWith(STEP_FILES.fileTag) ? tau.slice(0, -STEP_FILES.fileTag.length) : tau;
  wrote(Object.values(await makeChallenge(flags.key, tau, selectionOf(flags), flags.out ?? file)));
  return 0;
}

export async function proveStep(
  {
    file,
    tags,
    tau,
    challenge,
  }: Readonly<Record<'file', string> & Record<'tags' | 'tau' | 'challenge', string | undefined>>,
  flags: { readonly public: string; readonly out?: string },
): Promise<number> {
  // What belongs to a copy is named after its file.
  const stem = file.endsWith(STEP_FILES.replica) ? file.slice(0, -STEP_FILES.replica.length) : file;
  const out = flags.out ?? `${stem}${STEP_FILES.proof}`;
  const place = {
    data: file,
    tags: tags ?? `${stem}${STEP_FILES.tags}`,
    fileTag: tau ?? `${stem}${STEP_FILES.fileTag}`,
    nodes: `${stem}${STEP_FILES.nodes}`,
  };
  const bar = progressBar();
  await shown((show) =>
    proveFile(flags.public, place, challenge ?? `${stem}${STEP_FILES.challenge}`, out, (done, of) =>
      show(`${plain(file)}: proving${bar(done, of)}`),
    ),
  );
  wrote([out]);
  return 0;
}

export async function verifyStep(
  { tau, asked, proof }: { readonly tau: string; readonly asked: string; readonly proof: string },
  flags: { readonly key: string; readonly json?: boolean },
): Promise<number> {
  const verdict = await verifyProof(flags.key, tau, asked, proof);
  if (flags.json === true) print({ ...verdict });
  else process.stdout.write(verdict.accepted ? 'accepted\n' : `not accepted: ${verdict.reason}\n`);
  return verdict.accepted ? 0 : SOMETHING_WRONG;
}

function bits(text: string): number {
  if (/^\d{3,5}$/.test(text)) return Number(text);
  throw new CloisterError('bad-parameter', `"${text}" is no number of bits`, {
    hint: 'Give 2048 to 4096, such as 3072',
  });
}
