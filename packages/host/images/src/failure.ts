/**
 * Every way in which images fail, with what the user can do. The CLI's line, `--json` and the SDK's error are all made
 * from this table; the words before a hint are the error's message.
 */
export const IMAGE_ERRORS = {
  'unknown-image':
    'Use "busybox", "debian", "debian:trixie", "debian:forky", "debian:sid", or the name of an image you built',
  'bad-name': 'Use lower-case letters, digits, ".", "_" and "-"',
  'bad-mirror': 'Give a mirror as an http or https URL, such as --mirror https://ftp.debian.org/debian',
  'mirror-unreachable': 'Check the network and any proxy, or name another mirror with --mirror URL',
  'mirror-incomplete':
    'The mirror is probably being updated: try again later, another suite, or another mirror with --mirror URL',
  'bad-signature': 'Someone may be changing what you download: try another mirror with --mirror URL',
  'release-expired': 'Check the clock, leave out --strict-mirror, or name another mirror with --mirror URL',
  'release-older': 'The mirror is behind what was seen before: name another mirror with --mirror URL',
  'bad-hash':
    'The mirror is damaged or someone is changing what you download: try again or name another mirror with --mirror URL',
  'damaged-download':
    'What was downloaded may be made to harm Cloister: try another mirror with --mirror URL, and please report it',
  'bad-package': 'The package is signed, but this version of Cloister cannot read it: please report it',
  'missing-package': 'Check the name, or try another suite such as debian:sid',
  'missing-kernel': 'Try another suite, such as busybox:sid, or another mirror with --mirror URL',
  'cache-unwritable': 'Make the directory writable or name another with CLOISTER_CACHE_DIR',
  'cache-full': 'Free some space or name a directory on another disk with CLOISTER_CACHE_DIR',
  'damaged-image': 'Remove it with "cloister image rm NAME" and run again',
  'newer-image': 'Update Cloister, or remove the image with "cloister image rm NAME"',
  'build-failed': 'Run again with -v to see all of it; what was downloaded is kept',
  'no-apt': 'Use --from debian, or an image that was built from it',
  'not-built-in': 'Built-in images are made by "cloister image pull"; choose another name',
  'unreadable-copy': 'Check the path given to --copy and its permissions',
  aborted: 'Run the same command again: it goes on where it stopped',
} as const;

export type ImageErrorCode = keyof typeof IMAGE_ERRORS;

/** The error that this package throws for everything foreseen. One line: `message`, then `hint`. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code: ImageErrorCode;
  readonly hint: string;

  constructor(code: ImageErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.hint = IMAGE_ERRORS[code];
  }
}

export function fail(code: ImageErrorCode, message: string, cause?: unknown): never {
  throw new ImageError(code, message, cause);
}

/** Whether an error says that this mirror cannot serve a suite, so that another suite may be tried. */
export function isMirrorFault(error: unknown): error is ImageError {
  const faults: readonly ImageErrorCode[] = [
    'mirror-unreachable',
    'mirror-incomplete',
    'bad-signature',
    'damaged-download',
    'release-expired',
    'release-older',
    'missing-kernel',
    'missing-package',
  ];
  return error instanceof ImageError && faults.includes(error.code);
}

/** Throws `aborted` if the signal was given. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) fail('aborted', 'Interrupted');
}

/** A file system's error as this package's: full or not writable; anything else is thrown as it is. */
export function failFile(path: string, error: unknown): never {
  if (error instanceof ImageError) throw error;
  const code = (error as { code?: string }).code;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
    fail('cache-full', `No space is left for "${path}"`, error);
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM' || code === 'ENOTDIR' || code === 'EEXIST') {
    fail('cache-unwritable', `Cannot write to "${path}"`, error);
  }
  throw error;
}
