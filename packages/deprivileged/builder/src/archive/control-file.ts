import type { ByteSource } from '../byte-reader.ts';
import { refuse } from '../failure.ts';

/** One paragraph of a control file: field names in lower case to values; continuation lines joined by newlines. */
export type Paragraph = ReadonlyMap<string, string>;

/** A paragraph of Debian's indexes is a few KiB; Release's is about 200 KiB. */
const PARAGRAPH_LIMIT = 4 * 1024 * 1024;

/** The paragraphs of a control file (deb822(5)) held in memory. Throws `malformed`. */
export function paragraphs(text: string): Paragraph[] {
  const out: Paragraph[] = [];
  for (const part of text.split(/\n(?:[ \t]*\n)+/)) {
    const fields = fieldsOf(part.split('\n'), undefined);
    if (fields.size > 0) out.push(fields);
  }
  return out;
}

/**
 * The paragraphs of a control file as it streams in, with only the fields in `keep` (lower case), so that a 60 MB index
 * is never held. Throws `malformed` or `too-large` (a paragraph).
 */
export async function* streamParagraphs(
  source: ByteSource,
  keep: ReadonlySet<string>,
): AsyncGenerator<Paragraph, void, undefined> {
  const decoder = new TextDecoder();
  let pending = '';
  for await (const chunk of source) {
    pending += decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = pending.indexOf('\n\n'); end >= 0; end = pending.indexOf('\n\n', start)) {
      const fields = fieldsOf(pending.slice(start, end).split('\n'), keep);
      if (fields.size > 0) yield fields;
      start = end + 2;
    }
    pending = pending.slice(start);
    if (pending.length > PARAGRAPH_LIMIT) refuse('too-large', 'An index has a paragraph that is too long');
  }
  const fields = fieldsOf((pending + decoder.decode()).split('\n'), keep);
  if (fields.size > 0) yield fields;
}

function fieldsOf(lines: readonly string[], keep: ReadonlySet<string> | undefined): Paragraph {
  const fields = new Map<string, string>();
  let current: string | undefined;
  for (const line of lines) {
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (current !== undefined) fields.set(current, `${fields.get(current)}\n${line.slice(1)}`);
      else if (fields.size === 0 && keep === undefined)
        refuse('malformed', 'A control file begins with a continuation line');
      continue;
    }
    const colon = line.indexOf(':');
    if (colon < 1) refuse('malformed', `A control file has a line without a field: "${line.slice(0, 60)}"`);
    const key = line.slice(0, colon).toLowerCase();
    current = undefined;
    if (keep !== undefined && !keep.has(key)) continue;
    if (fields.has(key)) refuse('malformed', `A control file names the field "${key}" twice in one paragraph`);
    fields.set(key, line.slice(colon + 1).trim());
    current = key;
  }
  return fields;
}
