import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

test('a sandbox runs commands one after the other, and keeps what they change', async () => {
  const vm = await Sandbox.create({ image: 'busybox', memory: 128 * 2 ** 20 });
  try {
    const [first, second] = await Promise.all([
      vm.commands.run(['sh', '-c', 'cat > /tmp/a; echo $X >&2; exit 3'], { stdin: 'hello', env: { X: "it's" } }),
      vm.commands.run(['cat', '/tmp/a'], { stdin: 'unread' }),
    ]);
    expect(first).toEqual({ exitCode: 3, stdout: '', stderr: "it's\n" });
    expect(second).toEqual({ exitCode: 0, stdout: 'hello', stderr: '' });
    const chunks: string[] = [];
    const third = await vm.commands.run(['cat'], {
      stdin: 'x'.repeat(300_000),
      onStdout: (b) => chunks.push(`${b.length}`),
    });
    expect(third.stdout.length).toBe(300_000);
    expect(chunks.length).toBeGreaterThan(1);
    await expect(vm.commands.run(['sleep', '100'], { timeoutMs: 500 })).rejects.toMatchObject({ code: 'timeout' });
    expect((await vm.commands.run(['sh', '-c', 'nonexistent'])).exitCode).toBe(127);
    expect((await vm.commands.run(['pwd'], { cwd: '/tmp' })).stdout).toBe('/tmp\n');
  } finally {
    await vm.kill();
  }
}, 180_000);
