import { basename } from 'node:path';

/**
 * How a compartment is held: `full` by namespaces, an empty root and its kind's filter; `landlock` by Landlock and the
 * filter; `permission` by Node's own model, which native code does not know; `none` by being another process.
 */
export type Level = 'full' | 'landlock' | 'permission' | 'none';

/** What a compartment runs in, as a command but for what differs from one to the next of its kind. */
export interface Recipe {
  readonly level: Level;
  readonly file: string;
  /**
   * In braces what is filled in: `{data}` for its memory in bytes, `{heap}` for half of it in MiB, `{descriptors}` for how many it may have, `{feed:N}` for
   * the descriptor of the Nth file, `{path:N}` for where that lies, `{name:N}` for what it is called there.
   */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Its files come through pipes that follow the inherited descriptors, and lie nowhere. */
  readonly fed: boolean;
  /** What V8 takes beside, and Node, and the command until it has become the compartment. */
  readonly extraBytes: number;
  readonly extraDescriptors: number;
}

export interface Filling {
  /** RLIMIT_DATA: all private writable memory, the guest's RAM included, but what V8 sets aside for code. */
  readonly dataBytes: number;
  /** How many descriptors it inherits, from 3 on. */
  readonly inherited: number;
  /** Of its files: the filter, what it runs, and what that finds beside it. */
  readonly paths: readonly string[];
}

const FIRST = 3;

/** The arguments of the command. */
export function fillIn(recipe: Recipe, { dataBytes, inherited, paths }: Filling): string[] {
  const values: Readonly<Record<string, string | number | undefined>> = {
    data: dataBytes + recipe.extraBytes,
    heap: Math.floor(dataBytes / 2 ** 21),
    descriptors: FIRST + inherited + recipe.extraDescriptors,
    ...Object.fromEntries(paths.map((path, i) => [`path:${i}`, path])),
    ...Object.fromEntries(paths.map((path, i) => [`name:${i}`, basename(path)])),
    ...Object.fromEntries(paths.map((_, i) => [`feed:${i}`, FIRST + inherited + i])),
  };
  return recipe.args.map((arg) =>
    arg.replace(/\{([a-z]+(?::\d+)?)\}/g, (all, name: string) => `${values[name] ?? all}`),
  );
}
