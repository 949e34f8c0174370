import type { KeyHome } from '@cloister/sdk';

/** Where a sealing key is to live. */
export interface KeyHomeFlags {
  readonly passphrase?: boolean;
  readonly recipient?: string;
  readonly tpm?: boolean;
}

export function keyHomeOf({ passphrase, recipient, tpm }: KeyHomeFlags): KeyHome {
  if (tpm === true) return { kind: 'tpm' };
  if (recipient !== undefined) return { kind: 'recipient', recipient };
  return { kind: passphrase === true ? 'passphrase' : 'file' };
}
