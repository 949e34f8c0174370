/** A backup program's repository, as its files' names show it. */
export interface BackupRepository {
  /** restic names its files by the SHA-256 of what they hold; borg by numbers, kopia by keyed hashes and at random. */
  readonly kind: 'restic' | 'borg' | 'kopia';
  /** Where it begins: empty, or with a slash at its end. */
  readonly root: string;
}

/**
 * The repositories among a store's objects: restic's (its repository format 1 and 2: config, data/, index/, keys/,
 * snapshots/), borg's (format 1: README, config, data/, hints.N), kopia's (kopia.repository).
 */
export function backupRepositories(
  paths: Pick<ReadonlyMap<string, unknown>, 'has' | 'keys'>,
): readonly BackupRepository[] {
  const found = new Map<string, BackupRepository>();
  const isThere = (root: string, kind: BackupRepository['kind'], ...files: readonly string[]): void => {
    if (files.every((file) => paths.has(`${root}${file}`))) found.set(root, { kind, root });
  };
  for (const path of paths.keys()) {
    const [, root = '', file] =
      /^(.*\/)?(keys\/[0-9a-f]{64}|hints\.\d{1,10}|kopia\.repository(?:\.f)?)$/.exec(path) ?? [];
    if (file === undefined) continue;
    if (file.startsWith('keys')) isThere(root, 'restic', 'config');
    else if (file.startsWith('hints')) isThere(root, 'borg', 'config', 'README');
    else isThere(root, 'kopia');
  }
  return [...found.values()];
}

/** Says of a path whether its last part is the SHA-256 of what it holds, since it lies in a restic repository. */
export function contentHashNames(repositories: readonly BackupRepository[]): (path: string) => boolean {
  const roots = new Set(repositories.filter(({ kind }) => kind === 'restic').map(({ root }) => root));
  const named = /^(.*\/)?(?:data\/(?:[0-9a-f]{2}\/)?|(?:index|keys|snapshots|locks)\/)[0-9a-f]{64}$/;
  return (path) => {
    const match = roots.size === 0 ? null : named.exec(path);
    return match !== null && roots.has(match[1] ?? '');
  };
}

/** Says of a path whether it is a segment of a borg repository, whose entries have checksums. */
export function borgSegments(repositories: readonly BackupRepository[]): (path: string) => boolean {
  const roots = new Set(repositories.filter(({ kind }) => kind === 'borg').map(({ root }) => root));
  return (path) => {
    const match = roots.size === 0 ? null : /^(.*\/)?data\/\d{1,10}\/\d{1,10}$/.exec(path);
    return match !== null && roots.has(match[1] ?? '');
  };
}
