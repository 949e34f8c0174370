import { CloisterError, fail } from './failure.ts';
import { type ImageSettings, runImage } from './run-image.ts';

export interface SandboxOptions {
  /** Default `debian`. */
  readonly image?: string;
  /** Such as `512m`; or bytes. */
  readonly memoryBytes?: number;
  readonly images?: ImageSettings;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly stdin?: Uint8Array | string;
  /** The command is killed, and the promise rejects with `timeout`, after so many milliseconds. */
  readonly timeoutMs?: number;
  readonly onStdout?: (bytes: Uint8Array) => void;
  readonly onStderr?: (bytes: Uint8Array) => void;
}

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}
