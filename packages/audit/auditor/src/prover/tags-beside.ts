import { join } from 'node:path';
import { writeAtomically } from '@cloister/files';
import { AUDIT_TAGS_FOLDER, PUBLIC_KEY_FILE, type StateFacts } from '@cloister/protocol';
import { fail, failFile } from '../audit-error.ts';
import { type StateDirectory, withTagsAt } from '../state-directory.ts';

/** What a prover calls the tags of an audit, whoever has it: something of its number. */
export const tagSetOf = ({ id }: Pick<StateFacts, 'id'>): string => Buffer.from(id).toString('hex').slice(0, 16);

/** With a prover tags lie beside the data, where it serves both; in the state's directory otherwise. */
export function tagsBeside(directory: StateDirectory, facts: StateFacts): StateDirectory {
  if (facts.prover === '') return directory;
  return withTagsAt(directory, join(facts.store, AUDIT_TAGS_FOLDER, tagSetOf(facts)));
}

/** Puts the prover's key beside the tags. @throws AuditError */
export async function publishKey(directory: StateDirectory): Promise<void> {
  const key = (await directory.publicKey()) ?? fail('bad-state', `The public key of "${directory.name}" is not there`);
  const path = join(directory.tags, PUBLIC_KEY_FILE);
  await writeAtomically(path, key).catch((error) => failFile(path, error));
}
