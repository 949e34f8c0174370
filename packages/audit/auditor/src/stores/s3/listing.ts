import { type StoredObject, StoreLoss } from '../store.ts';

/** A page of a listing: a thousand objects with names of at most 1,024 bytes, encoded. */
export const LISTING_BYTES_MAX = 8 * 1024 * 1024;

export interface ListingPage {
  readonly objects: readonly StoredObject[];
  /** Where the next page begins, if there is one. */
  readonly next: string | undefined;
}

/** A ListBucketResult of ListObjectsV2, whose names are URL-encoded (`encoding-type=url`). @throws StoreLoss */
export function parseListing(xml: string, prefix: string): ListingPage {
  const broken = (): never => {
    throw new StoreLoss('unknown', 'The listing is malformed');
  };
  if (!/<ListBucketResult[\s>]/.test(xml)) broken();
  const objects = [...xml.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g)].map(([, content]): StoredObject => {
    const key = decode(field(content!, 'Key') ?? broken());
    const bytes = Number(field(content!, 'Size') ?? Number.NaN);
    const pin = entities(field(content!, 'ETag') ?? broken());
    if (!Number.isSafeInteger(bytes) || bytes < 0 || !key.startsWith(prefix)) broken();
    return { path: key.slice(prefix.length), bytes, pin };
  });
  const next = field(xml.replaceAll(/<Contents>[\s\S]*?<\/Contents>/g, ''), 'NextContinuationToken');
  const truncated = field(xml, 'IsTruncated') === 'true';
  if (truncated && next === undefined) broken();
  return { objects, next: truncated ? entities(next!) : undefined };
}

const field = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];

const NAMES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const entities = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(lt|gt|amp|quot|apos));/gi, (_, decimal, hex, name) =>
    name === undefined ? codePoint(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal)) : NAMES[name]!,
  );
const codePoint = (code: number): string => (code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd');

/** As in a form: a space is a plus sign. */
function decode(text: string): string {
  try {
    return decodeURIComponent(entities(text).replaceAll('+', ' '));
  } catch {
    throw new StoreLoss('unknown', 'The listing has a name that is not UTF-8');
  }
}
