import { expect, test } from 'vitest';
import { backupRepositories, borgSegments, contentHashNames } from './backup-repository.ts';

const hash = 'ab'.repeat(32);
const listed = (...paths: readonly string[]) => new Map(paths.map((path) => [path, true]));

test('repositories are known by their names, wherever they begin', () => {
  const restic = ['config', `keys/${hash}`, `data/ab/${hash}`];
  expect(backupRepositories(listed(...restic, ...restic.map((path) => `deep/er/${path}`)))).toEqual([
    { kind: 'restic', root: '' },
    { kind: 'restic', root: 'deep/er/' },
  ]);
  expect(backupRepositories(listed('b/README', 'b/config', 'b/data/0/1', 'b/hints.1', 'b/index.1'))).toEqual([
    { kind: 'borg', root: 'b/' },
  ]);
  expect(backupRepositories(listed('kopia.repository.f', '_log_1.f'))).toEqual([{ kind: 'kopia', root: '' }]);
  expect(backupRepositories(listed(`keys/${hash}`, 'hints.1', 'config.d', 'README'))).toEqual([]);
});

test('only names in a restic repository are hashes', () => {
  const isNamedByHash = contentHashNames([
    { kind: 'restic', root: 'r/' },
    { kind: 'kopia', root: 'k/' },
  ]);
  for (const path of [
    `r/data/ab/${hash}`,
    `r/data/${hash}`,
    `r/index/${hash}`,
    `r/snapshots/${hash}`,
    `r/keys/${hash}`,
  ])
    expect(isNamedByHash(path), path).toBe(true);
  for (const path of [
    'r/config',
    `data/ab/${hash}`,
    `k/index/${hash}`,
    `r/other/${hash}`,
    `r/x/data/ab/${hash}`,
    `r/data/ab/${hash}0`,
  ])
    expect(isNamedByHash(path), path).toBe(false);
});

test('only what lies among the data of a borg repository is a segment', () => {
  const isSegment = borgSegments([
    { kind: 'borg', root: 'b/' },
    { kind: 'restic', root: 'r/' },
  ]);
  expect(['b/data/0/1', 'b/data/12/345'].every(isSegment)).toBe(true);
  for (const path of ['b/data/0', 'b/hints.1', 'b/data/0/1x', 'r/data/0/1', 'data/0/1', 'b/x/data/0/1'])
    expect(isSegment(path), path).toBe(false);
});
