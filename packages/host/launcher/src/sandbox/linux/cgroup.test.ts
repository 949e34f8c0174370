import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { limitedCgroup } from './cgroup.ts';

const limits = { memoryBytes: 2 ** 28, cpus: 0.5, tasks: 64 };
const mount = /^cgroup2? (\S+) cgroup2 /m.exec(
  process.platform === 'linux' ? readFileSync('/proc/mounts', 'latin1') : '',
)?.[1];

test('what is no delegated group says why', () => {
  expect(limitedCgroup('/nowhere', 'cloister-test', limits)).toEqual({ why: expect.stringMatching(/ENOENT/) });
});

test.runIf(mount !== undefined)('this host has a group with its limits, or says which controller it lacks', () => {
  const made = limitedCgroup(mount!, `cloister-test-${process.pid}`, limits);
  if ('why' in made) expect(made.why).toMatch(/no controller|EACCES|EPERM|EROFS|EBUSY/);
  else {
    expect(readFileSync(`${mount}/cloister-test-${process.pid}/cpu.max`, 'latin1')).toBe('50000 100000\n');
    made.remove();
  }
});
