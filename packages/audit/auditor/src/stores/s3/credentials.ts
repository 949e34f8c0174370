import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Credentials } from './sign.ts';

export interface Account {
  readonly credentials: Credentials;
  readonly region: string | undefined;
}

/**
 * Who asks, as the AWS tools find it: `AWS_ACCESS_KEY_ID` and what belongs to it, else the profile `AWS_PROFILE` (or
 * "default") of `~/.aws/credentials` and `~/.aws/config` (or the files that `AWS_SHARED_CREDENTIALS_FILE` and
 * `AWS_CONFIG_FILE` name). Undefined if there is none: nothing is signed then.
 */
export async function account(env: NodeJS.ProcessEnv = process.env): Promise<Account | undefined> {
  const profile = env.AWS_PROFILE || 'default';
  const config = await section(env.AWS_CONFIG_FILE ?? join(homedir(), '.aws', 'config'), [
    profile === 'default' ? 'default' : `profile ${profile}`,
  ]);
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || config.region;
  if (env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY)
    return {
      credentials: {
        accessKeyId: env.AWS_ACCESS_KEY_ID,
        secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
        sessionToken: env.AWS_SESSION_TOKEN || undefined,
      },
      region,
    };
  const file = env.AWS_SHARED_CREDENTIALS_FILE ?? join(homedir(), '.aws', 'credentials');
  const found = { ...config, ...(await section(file, [profile])) };
  const { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey } = found;
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { credentials: { accessKeyId, secretAccessKey, sessionToken: found.aws_session_token }, region };
}

/** The settings below one of the headings of an INI file; none where there is no such file. */
async function section(path: string, headings: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const found: Record<string, string> = {};
  let inside = false;
  for (const line of text.split('\n')) {
    const heading = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line);
    if (heading !== null) inside = headings.includes(heading[1]!);
    const setting = /^\s*([a-z_0-9]+)\s*=\s*(\S.*?)\s*$/.exec(line);
    if (inside && setting !== null) found[setting[1]!] = setting[2]!;
  }
  return found;
}
