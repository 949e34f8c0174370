import { refuse } from '../failure.ts';
import { paragraphs } from './control-file.ts';

/** A file that a Release names: its size in bytes and lower-case hex SHA-256. */
export interface ReleaseFile {
  readonly size: number;
  readonly sha256: string;
}

/** What a suite's Release says (Debian wiki, "DebianRepository/Format", Release files). Times in ms since 1970. */
export interface Release {
  readonly origin: string;
  readonly suite: string;
  readonly codename: string;
  readonly version: string | undefined;
  readonly date: number;
  readonly validUntil: number | undefined;
  readonly acquireByHash: boolean;
  readonly files: ReadonlyMap<string, ReleaseFile>;
}

/** Decodes the text of a Release whose signature was checked. Throws `malformed`. Only SHA-256 is read. */
export function parseRelease(text: string): Release {
  const fields = paragraphs(text)[0] ?? refuse('malformed', 'The release file is empty');
  const files = new Map<string, ReleaseFile>();
  for (const line of (fields.get('sha256') ?? '').split('\n')) {
    if (line.trim() === '') continue;
    const match = /^\s*([0-9a-f]{64})\s+(\d{1,13})\s+(\S+)\s*$/.exec(line);
    if (match === null) refuse('malformed', 'The release file has a damaged hash line');
    files.set(match[3]!, { sha256: match[1]!, size: Number(match[2]) });
  }
  const validUntil = fields.get('valid-until');
  return {
    origin: fields.get('origin') ?? '',
    suite: fields.get('suite') ?? '',
    codename: fields.get('codename') ?? '',
    version: fields.get('version'),
    date: time(fields.get('date')),
    validUntil: validUntil === undefined ? undefined : time(validUntil),
    acquireByHash: fields.get('acquire-by-hash') === 'yes',
    files,
  };
}

/** RFC 2822 times, always in UTC here. */
function time(value: string | undefined): number {
  const ms = value === undefined ? Number.NaN : Date.parse(value);
  return Number.isNaN(ms) || ms < 0 ? refuse('malformed', 'The release file has no valid date') : ms;
}
