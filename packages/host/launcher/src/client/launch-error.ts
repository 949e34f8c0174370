/** Why a machine was not started: the slice refused what it was to boot, or something of the machine failed. */
export class LaunchError extends Error {
  override readonly name = 'LaunchError';
  readonly code: 'refused' | 'failed';

  constructor(code: 'refused' | 'failed', message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
