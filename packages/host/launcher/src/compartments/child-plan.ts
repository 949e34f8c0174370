/** What a child process is told on its command line. */
export interface ChildPlan {
  /** URL of the compartment's bundle. */
  readonly bundle: string;
  /** Names of its channels: pipes at descriptors `FIRST_DESCRIPTOR` and up, in this order. */
  readonly channels: readonly string[];
  /** What the compartment is started with beside its channels. */
  readonly config: unknown;
}

/** After stdin, stdout and stderr. */
export const FIRST_DESCRIPTOR = 3;
