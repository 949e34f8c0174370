import { LaunchError } from './launch-error.ts';

/** Why a build that a user named cannot be used. */
export const buildError = (path: string, code: string): LaunchError =>
  new LaunchError('failed', `The build "${path}" cannot be read: ${code}`);
