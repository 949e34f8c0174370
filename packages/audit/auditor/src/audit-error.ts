/** Every way in which audits fail, with what the user can do; the words before a hint are the error's message. */
export const AUDIT_ERRORS = {
  'no-audit': 'See "cloister audit ls" for what is audited; "cloister audit add STORE" adds a store',
  'bad-store': 'Give a directory, https://HOST/FILE, or s3://BUCKET/PREFIX?endpoint=URL&region=REGION',
  'bad-scheme':
    'See "cloister audit schemes": without --prover a private one with no RSA modulus, with it one of static data and short proofs',
  'bad-prover': 'Give the address of "cloister audit prover", such as http://HOST:7480',
  'store-unreachable': 'Check the address, the network, and the credentials (AWS_ACCESS_KEY_ID, AWS_PROFILE)',
  'bad-state': 'Restore the state directory and the key from one backup, or remove the audit and add the store again',
  'rolled-back':
    'Someone, or a backup, has put an older state in its place: restore the newest one, or remove the audit and add the store again',
  'bad-counter':
    'Give https://HOST/OBJECT or s3://BUCKET/OBJECT?endpoint=URL, where nothing lies yet and PUT honours If-Match and If-None-Match',
  'other-writer': 'Go on with the one copy of this audit that is newest, and remove the others',
  'bad-key': 'Check the passphrase, or put the key file back',
  'no-tpm':
    'Install tpm2-tools, see that this user may use the TPM (/dev/tpmrm0), or seal the key another way (--passphrase)',
  'state-unwritable': 'Make the directory writable, or name another with CLOISTER_HOME',
  'state-full': 'Free some space, or name a directory on another disk with CLOISTER_HOME',
  'too-many': 'Audit parts of the store apart: add its directories one by one',
  'enclave-failed': 'Run "cloister doctor"; if it finds nothing, please report it',
  'name-taken': 'Give another name with --name',
  'bad-offer':
    'Give the key that was shown with the offer (--key), have a new one made for a new nonce ("cloister audit hand-over AUDIT"), or see what the policy allows',
  'no-nonce': 'Draw one with "cloister audit hand-over AUDIT", and have an offer made for it',
  'bad-policy': 'Make one with "cloister audit policy", where the keys are to go',
  'bad-out': 'Name a directory that is not there yet with --out',
  'no-offer': 'Make a new one with "cloister audit offer", and have the owner hand the audit over to that',
  'bad-envelope': 'Have the owner hand the audit over again, to a new offer',
  aborted: 'Run the same command again: it goes on where it stopped',
} as const;

export type AuditErrorCode = keyof typeof AUDIT_ERRORS;

/** The error that this package throws for everything foreseen. One line: `message`, then `hint`. */
export class AuditError extends Error {
  override readonly name = 'AuditError';
  readonly code: AuditErrorCode;
  readonly hint: string;

  constructor(code: AuditErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.hint = AUDIT_ERRORS[code];
  }
}

export function fail(code: AuditErrorCode, message: string, cause?: unknown): never {
  throw new AuditError(code, message, cause);
}

/** A file system's error as this package's: full or not writable; anything else is thrown as it is. */
export function failFile(path: string, error: unknown): never {
  if (error instanceof AuditError) throw error;
  const code = (error as { code?: string }).code;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
    fail('state-full', `No space is left for "${path}"`, error);
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM' || code === 'ENOTDIR' || code === 'EEXIST')
    fail('state-unwritable', `Cannot write to "${path}"`, error);
  throw error;
}
