/**
 * Every way in which running a machine fails, with what the user can do. The CLI's line, `--json` and the SDK's error are
 * made from this table; errors of images come from the images' own (`IMAGE_ERRORS`).
 */
const RUN_ERRORS = {
  'bad-usage': 'See cloister --help',
  'bad-memory': 'Give a size from 64m to 3g, such as -m 512m',
  'bad-file': 'Check the path, its permissions, and who uses it',
  'bad-kernel': 'Give a riscv64 Linux kernel as Image or Image.gz',
  refused: 'Give a riscv64 Linux kernel as Image or Image.gz, and enough memory with -m',
  'bad-disk': 'Give a raw disk image whose length is a multiple of 512 bytes',
  'machine-failed': 'Run again with -v or --console-log FILE to see all that the guest said',
  'guest-ended': 'Run again with --console-log FILE to see all that the guest said',
  'no-vm': 'See "cloister ps" for what runs',
  timeout: 'Give more time with --timeout',
  'bad-key':
    'Give a key file as "cloister audit keygen" writes them: FILE.secret, or FILE.public where anybody verifies',
  'bad-file-tag': 'Give the FILE.tau that "cloister audit tag" wrote under this key',
  'bad-challenge': 'Give FILE.challenge to the prover, and FILE.asked to who verifies',
  'bad-selection': 'See "cloister audit schemes" for how each scheme asks',
  'bad-parameter': 'See cloister audit --help',
  'no-network':
    'Put packages into an image with "cloister image build --packages", or files with --disk or tar over stdin',
} as const;

export type RunErrorCode = keyof typeof RUN_ERRORS;

/** The error that this package throws for everything foreseen. One line: `message`, then `hint`. */
export class CloisterError extends Error {
  override readonly name = 'CloisterError';
  readonly code: RunErrorCode;
  readonly hint: string;
  /** The last lines of the guest's console, where they explain the error. */
  readonly console: string | undefined;

  constructor(code: RunErrorCode, message: string, options: { hint?: string; console?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? RUN_ERRORS[code];
    this.console = options.console;
  }
}

export function fail(
  code: RunErrorCode,
  message: string,
  options: { hint?: string; console?: string; cause?: unknown } = {},
): never {
  throw new CloisterError(code, message, options);
}
