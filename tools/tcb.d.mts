export const LAUNCHER_LINES_MAX: number;
export function codeLines(text: string): number;
export function reasons(): Readonly<Record<string, string>>;
export function trustedBase(): Promise<{
  readonly privileged: number;
  readonly deprivileged: number;
  /** Percent. */
  readonly share: number;
  readonly monitor: Readonly<Record<string, number>>;
  readonly launcherFiles: Readonly<Record<string, number>>;
}>;
