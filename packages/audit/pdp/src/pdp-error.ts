/** What a caller of this package did wrong. What a prover sent never throws: it makes a proof that is not accepted. */
export type PdpErrorCode =
  /** A key that is not one of this scheme. */
  | 'key'
  /** A parameter out of its range. */
  | 'parameter'
  /** A file tag that this key did not make. */
  | 'file-tag'
  /** Data that is not as long as the file's description says. */
  | 'length'
  /** A selection of blocks that the scheme or the file does not have. */
  | 'selection'
  /** An authenticated structure that is missing, damaged or another file's, on the side that stores it. */
  | 'structure';

export class PdpError extends Error {
  readonly code: PdpErrorCode;

  constructor(code: PdpErrorCode, message: string) {
    super(message);
    this.name = 'PdpError';
    this.code = code;
  }
}
