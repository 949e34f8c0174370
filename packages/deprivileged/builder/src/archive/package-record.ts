import { PACKAGE_FORMS } from '@cloister/protocol';
import type { ByteSource } from '../byte-reader.ts';
import { refuse } from '../failure.ts';
import { type Paragraph, streamParagraphs } from './control-file.ts';

/** One package of a `Packages` index: what is needed to resolve, download and verify it. */
export interface PackageRecord {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Path below the mirror's root. */
  readonly filename: string;
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly essential: boolean;
  readonly priority: string;
  readonly depends: string;
  readonly preDepends: string;
  readonly provides: string;
  /** The relations that only apt needs, by field name in lower case. */
  readonly other: ReadonlyMap<string, string>;
}

const OTHER = [
  'recommends',
  'conflicts',
  'breaks',
  'replaces',
  'multi-arch',
  'section',
  'source',
  'installed-size',
] as const;
const KEEP: ReadonlySet<string> = new Set([
  'package',
  'version',
  'architecture',
  'filename',
  'size',
  'sha256',
  'essential',
  'priority',
  'depends',
  'pre-depends',
  'provides',
  ...OTHER,
]);

/** The packages of an index as it streams in (already decompressed). Throws `malformed` or `too-large`. */
export async function* packagesOf(index: ByteSource): AsyncGenerator<PackageRecord, void, undefined> {
  for await (const fields of streamParagraphs(index, KEEP)) yield decode(fields);
}

function decode(fields: Paragraph): PackageRecord {
  return {
    name: checked(fields, 'package', PACKAGE_FORMS.name),
    version: checked(fields, 'version', PACKAGE_FORMS.version),
    architecture: checked(fields, 'architecture', PACKAGE_FORMS.architecture),
    filename: checked(fields, 'filename', PACKAGE_FORMS.filename),
    size: Number(checked(fields, 'size', /^\d{1,12}$/)),
    sha256: checked(fields, 'sha256', PACKAGE_FORMS.sha256),
    essential: fields.get('essential') === 'yes',
    priority: fields.get('priority') ?? 'optional',
    depends: oneLine(fields.get('depends')),
    preDepends: oneLine(fields.get('pre-depends')),
    provides: oneLine(fields.get('provides')),
    other: new Map(OTHER.filter((key) => fields.has(key)).map((key) => [key, oneLine(fields.get(key))])),
  };
}

function checked(fields: Paragraph, key: string, form: RegExp): string {
  const value = fields.get(key) ?? '';
  if (!form.test(value))
    refuse('malformed', `The index has a package ("${fields.get('package') ?? ''}") without a valid ${key}`);
  return value;
}

function oneLine(value: string | undefined): string {
  return (value ?? '').replaceAll('\n', ' ');
}
