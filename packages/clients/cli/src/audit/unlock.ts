import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { CloisterError, type Unlock } from '@cloister/sdk';
import type { StatusLine } from '../status-line.ts';

const PASSPHRASE = 'CLOISTER_AUDIT_PASSPHRASE';
const IDENTITY = 'CLOISTER_AGE_IDENTITY';
const PASSPHRASE_MIN = 8;

/** Asks whoever sits there, or the environment. */
export const unlockOf = (status: StatusLine): Unlock => ({
  async passphrase(purpose) {
    const given = process.env[PASSPHRASE];
    status.clear();
    const passphrase = given ?? (await ask(purpose === 'new' ? 'New passphrase: ' : 'Passphrase: '));
    if (purpose === 'new') {
      if (passphrase.length < PASSPHRASE_MIN)
        throw new CloisterError('bad-usage', `A passphrase of less than ${PASSPHRASE_MIN} characters`, {
          hint: 'Take a longer one: several words',
        });
      if (given === undefined && (await ask('Once more: ')) !== passphrase)
        throw new CloisterError('bad-usage', 'The two passphrases differ', { hint: 'Type the same one twice' });
    }
    return passphrase;
  },
  async identities() {
    const file = process.env[IDENTITY];
    if (file === undefined)
      throw new CloisterError('bad-usage', 'The key is sealed for an age identity', {
        hint: `Name its file with ${IDENTITY}`,
      });
    const text = await readFile(file, 'utf8').catch((error: Error) => {
      throw new CloisterError('bad-file', `Cannot read "${file}" (${error.message})`);
    });
    return text.split('\n').flatMap((line) => /^AGE-SECRET-KEY-[A-Z0-9-]+/.exec(line.trim())?.[0] ?? []);
  },
});

/** A line that does not show. */
async function ask(prompt: string): Promise<string> {
  if (process.stdin.isTTY !== true)
    throw new CloisterError('bad-usage', 'A passphrase is needed, and there is no terminal to ask at', {
      hint: `Set ${PASSPHRASE}`,
    });
  process.stderr.write(prompt);
  const lines = createInterface({
    input: process.stdin,
    output: new Writable({ write: (_chunk, _encoding, done) => done() }),
    terminal: true,
  });
  const abort = new AbortController();
  lines.once('SIGINT', () => abort.abort());
  try {
    return await lines.question('', { signal: abort.signal });
  } catch {
    throw new CloisterError('bad-usage', 'No passphrase was given', { hint: 'Type it, or set ' + PASSPHRASE });
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
