import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';

const source = join(dirname(fileURLToPath(import.meta.url)), 'close-inherited.ts');

test.runIf(process.platform === 'linux')('what a process was handed without asking does not reach its children', () => {
  const { outputFiles } = buildSync({
    stdin: {
      contents: `
        import { spawnSync } from 'node:child_process';
        import { closeInherited } from ${JSON.stringify(source)};
        const child = () => spawnSync(process.execPath, ['-e', \`
          const open = [];
          for (const fd of [40, 41]) try { require('fs').fstatSync(fd); open.push(fd); } catch {}
          console.log(JSON.stringify(open));\`]).stdout.toString().trim();
        console.log(child());
        closeInherited();
        console.log(child());`,
      resolveDir: dirname(source),
    },
    bundle: true,
    platform: 'node',
    write: false,
  });
  const descriptor = openSync(source, 'r');
  const stdio = Array.from({ length: 42 }, (_, index) =>
    index === 40 || index === 41 ? descriptor : ('ignore' as const),
  );
  const { stdout } = spawnSync(process.execPath, ['-e', outputFiles[0]!.text], {
    stdio: ['ignore', 'pipe', 'inherit', ...stdio.slice(3)],
    encoding: 'utf8',
    timeout: 20_000,
  });
  closeSync(descriptor);
  expect(stdout).toBe('[40,41]\n[]\n');
});
