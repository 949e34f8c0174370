/** Why a machine was not started: the slice refused what it was to boot, a file of it cannot be had, or something failed. */
export class LaunchError extends Error {
  override readonly name: string = 'LaunchError';
  readonly code: 'refused' | 'file' | 'failed';

  constructor(code: LaunchError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The launcher or its toolstack ended before anything was started: they leave when nobody needs them. */
export class LauncherGone extends LaunchError {
  override readonly name = 'LauncherGone';

  constructor(message: string) {
    super('failed', message);
  }
}
