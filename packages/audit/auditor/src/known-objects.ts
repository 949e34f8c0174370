import type { OpenAudit } from './open-audit.ts';

/** What the state knows of an object. */
export interface KnownObject {
  readonly bytes: number;
  readonly pin: string;
  /** How many bytes from its beginning are tagged; all, unless it was interrupted. */
  tagged: number;
}

/** All objects of a state by their paths, and the files that it refers to. */
export async function knownObjects(audit: OpenAudit): Promise<{
  readonly objects: Map<string, KnownObject>;
  readonly packs: ReadonlySet<string>;
  readonly pages: ReadonlySet<string>;
}> {
  const objects = new Map<string, KnownObject>();
  const packs = new Set<string>();
  const pages = new Set<string>();
  await audit.link.run({ kind: 'list' }, async (answer) => {
    if (await audit.serve(answer)) return;
    if (answer.kind === 'page.live') pages.add(Buffer.from(answer.id).toString('hex'));
    if (answer.kind !== 'extent') return;
    packs.add(answer.pack);
    const known = objects.get(answer.path);
    if (known === undefined)
      objects.set(answer.path, { bytes: answer.objectBytes, pin: answer.pin, tagged: answer.length });
    else known.tagged += answer.length;
  });
  return { objects, packs, pages };
}
