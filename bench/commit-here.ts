import { execFileSync } from 'node:child_process';

/** The commit that is measured, in short. */
export const commitHere = (): string =>
  execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
