import { type StoredObject, StoreLoss } from '../store.ts';

/** A page of a listing: a thousand objects with names of at most 1,024 bytes, encoded. */
export const LISTING_BYTES_MAX = 8 * 1024 * 1024;

export interface ListingPage {
  readonly objects: readonly StoredObject[];
  /** Where the next page begins, if there is one. */
  readonly next: string | undefined;
}

/**
 * A ListBucketResult of ListObjectsV2, whose names are URL-encoded (`encoding-type=url`) if it says so: not every service
 * does it. Read in one pass: a hostile one must not cost more than its length. @throws StoreLoss
 */
export function parseListing(xml: string, prefix: string): ListingPage {
  if (!/<ListBucketResult[\s>]/.test(xml)) broken();
  let rest = '';
  let at = 0;
  const contents: string[] = [];
  for (;;) {
    const start = xml.indexOf('<Contents>', at);
    if (start < 0) break;
    const end = xml.indexOf('</Contents>', start);
    if (end < 0) broken();
    rest += xml.slice(at, start);
    contents.push(xml.slice(start, end));
    at = end;
  }
  rest += xml.slice(at);
  const isEncoded = field(rest, 'EncodingType') === 'url';
  const objects = contents.map((content): StoredObject => {
    const name = entities(field(content, 'Key') ?? broken());
    const key = isEncoded ? decode(name) : name;
    const size = field(content, 'Size') ?? '';
    const tag = entities(field(content, 'ETag') ?? '');
    // A tag goes back in a header; some services list it without its quotes.
    if (!/^\d{1,15}$/.test(size) || !/^[!-~]{1,256}$/.test(tag) || !key.startsWith(prefix)) broken();
    return { path: key.slice(prefix.length), bytes: Number(size), pin: tag.startsWith('"') ? tag : `"${tag}"` };
  });
  if (field(rest, 'IsTruncated') !== 'true') return { objects, next: undefined };
  return { objects, next: entities(field(rest, 'NextContinuationToken') ?? broken()) };
}

const broken = (): never => {
  throw new StoreLoss('unknown', 'The listing is malformed');
};

function field(xml: string, name: string): string | undefined {
  const start = xml.indexOf(`<${name}>`);
  if (start < 0) return undefined;
  const from = start + name.length + 2;
  const end = xml.indexOf('<', from);
  return end >= 0 && xml.startsWith(`</${name}>`, end) ? xml.slice(from, end) : undefined;
}

const NAMES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const entities = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(lt|gt|amp|quot|apos));/gi, (_, decimal, hex, name) =>
    name === undefined
      ? codePoint(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal))
      : NAMES[name.toLowerCase()]!,
  );
/** Half a pair is no character. */
const codePoint = (code: number): string =>
  code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '\ufffd';

/** As in a form: a space is a plus sign. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new StoreLoss('unknown', 'The listing has a name that is not UTF-8');
  }
}
