export const LAUNCHER_LINES_MAX: number;
export const MONITOR_LINES_MAX: number;
export function codeLines(text: string): number;
export function reasons(): Readonly<Record<string, string>>;
export function trustedBase(): Promise<{
  readonly privileged: number;
  readonly deprivileged: number;
  /** Percent. */
  readonly share: number;
  readonly monitor: Readonly<Record<string, number>>;
  readonly monitorLines: number;
  readonly processes: Readonly<
    Record<
      string,
      {
        readonly lines: number;
        /** Of others, by package: what the bundle has of them. */
        readonly libraries: Readonly<
          Record<string, { readonly files: number; readonly lines: number; readonly binaryBytes: number }>
        >;
      }
    >
  >;
  /** Lines of ours in the enclave, by package. */
  readonly enclavePackages: Readonly<Record<string, number>>;
  readonly launcherFiles: Readonly<Record<string, number>>;
}>;
