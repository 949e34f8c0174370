import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FromBuilder } from '@cloister/protocol';
import { benchAttacks, type Kit } from '../bench/on-bench.ts';
import { images } from '../bench/sources.ts';
import { newFolder } from '../build.ts';

const BUILDER = images('builder/builder.ts');
const MIB = 2 ** 20;
const PACKAGE: Extract<FromBuilder, { kind: 'package' }> = {
  ...({ kind: 'package', name: 'a', version: '1', architecture: 'riscv64' } as const),
  ...{ filename: 'pool/main/a/a_1.deb', size: 1, sha256: 'a'.repeat(64) },
};

/** A client's hold on a builder that has become the attacker's: it answers each job with `answers`. */
function hostileBuilder(kit: Kit, answers: readonly FromBuilder[]) {
  const [channel, builder] = kit.memoryChannel();
  builder.listen({
    frame(frame) {
      if (kit.protocol.toBuilder.decode(frame)!.kind !== 'input.end') return;
      for (const answer of answers) builder.send(kit.protocol.fromBuilder.encode(answer));
    },
  });
  const running = { channel, ended: new Promise<string>(() => undefined), end: () => undefined };
  return kit.builderOver(kit.openSession(running, { what: 'a package', signal: undefined }));
}

const refused = (error: unknown): string => (error as Error).message;
const COMMON = { from: 'builder', source: 'isolation.md B1 (CVE-2024-4467); XSA-198, XSA-443' };

/** What a builder says of a hostile package is as hostile. */
export const BUILDER_ANSWERS = benchAttacks({ ...COMMON, target: 'its client’s files' }, [
  {
    attack: 'B1 a builder gives a package a hash that is a path',
    check: 'a field has its form',
    edits: [
      [
        images('builder/package-record.ts'),
        'return fields.every((field) => PACKAGE_FORMS[field].test(record[field])) ? record : undefined;',
        'return fields.length > 0 ? record : undefined;',
      ],
    ],
    async act(kit) {
      const builder = hostileBuilder(kit, [{ ...PACKAGE, sha256: '../../../etc/passwd' }, { kind: 'done' }]);
      const said = await builder.select('required').catch(refused);
      const effect = typeof said !== 'string' && said[0]!.sha256.startsWith('../');
      return { effect, how: typeof said === 'string' ? said : `its file in the cache is ${said[0]?.sha256}` };
    },
  },
  {
    attack: 'B1 a builder names packages without end',
    target: 'its client’s memory',
    check: 'a job has so many answers',
    edits: [[BUILDER, ' || answers.length === ANSWERS_MAX) session.distrust();', ') session.distrust();']],
    async act(kit) {
      const builder = hostileBuilder(kit, [...Array<FromBuilder>(30_000).fill(PACKAGE), { kind: 'done' }]);
      const said = await builder.select('required').catch(refused);
      return { effect: typeof said !== 'string', how: typeof said === 'string' ? said : `${said.length} packages` };
    },
  },
  {
    attack: 'B1 a builder unpacks a package to more than it may',
    target: 'the host’s disk',
    check: 'output is announced, and has a maximum',
    edits: [[BUILDER, 'value?.kind !== kind || value.size > limit', 'value?.kind !== kind']],
    async act(kit) {
      const folder = newFolder();
      mkdirSync(folder, { recursive: true });
      const file = join(folder, 'package');
      writeFileSync(file, 'package');
      const builder = hostileBuilder(kit, [{ kind: 'size', size: 2 ** 40 }]);
      const said = await builder.repack(file, MIB).catch(refused);
      builder.end();
      return {
        effect: typeof said !== 'string',
        how: typeof said === 'string' ? said : `${said.size} bytes are taken for one of ${MIB} at the most`,
      };
    },
  },
]);
