import type { Primitives } from '@cloister/crypto';
import { type Baseline, SEALED_STATE_BYTES_MAX } from '@cloister/protocol';
import { refuse } from '../failure.ts';
import { blocksOf, decodePage, type Extent, encodePage } from './extent.ts';
import { PAGES_MAX, type PagePlace } from './head.ts';
import type { Seal } from './seal.ts';

/** A page is full at about so many bytes: one frame, with room for the longest extent. */
const PAGE_BYTES = SEALED_STATE_BYTES_MAX - 16 * 1024;
/** Pages that are kept open, for the next question about a block near the last one. */
const OPEN_PAGES = 64;

/** A page that is ready to leave the enclave. */
export interface SealedPage {
  readonly id: Uint8Array;
  readonly bytes: Uint8Array;
}

export interface Counts {
  readonly objects: number;
  readonly sourceObjects: number;
  readonly contentHashObjects: number;
  readonly extents: number;
  readonly bytes: number;
}

/** The extents of a state, in the order of their blocks' numbers. Pages come from outside when they are asked for. */
export interface Manifest {
  readonly places: readonly PagePlace[];
  /** All extents, page by page, with those that no page has yet. */
  all(): AsyncIterable<Extent>;
  /** The extent that a block belongs to; undefined if it was forgotten. */
  holding(block: number): Promise<Extent | undefined>;
  add(extent: Extent): void;
  /** Forgets the extents of these objects that lie in pages, from the next `save` on; returns how much they were. */
  forget(paths: ReadonlySet<string>): Promise<Counts>;
  /** Puts what has changed into new pages. */
  save(): AsyncIterable<SealedPage>;
}

export interface ManifestConfig {
  readonly primitives: Primitives;
  readonly seal: Seal;
  readonly blockBytes: number;
  readonly places: readonly PagePlace[];
  readonly fetch: FetchPage;
}

/** A sealed page from outside. @throws Refusal if it is not there */
export type FetchPage = (id: Uint8Array) => Promise<Uint8Array>;

interface Page {
  /** Where it lies sealed; undefined while it has changes. */
  place: PagePlace | undefined;
  /** Its extents, unless it is closed. */
  extents: readonly Extent[] | undefined;
}

export function createManifest(config: ManifestConfig): Manifest {
  const { primitives, seal, blockBytes, fetch } = config;
  let pages: Page[] = config.places.map((place) => ({ place, extents: undefined }));
  let added: Extent[] = [];
  const opened: Page[] = [];

  async function extentsOf(page: Page): Promise<readonly Extent[]> {
    if (page.extents !== undefined) return page.extents;
    page.extents = await pageAt(primitives, page.place!.id, seal, fetch);
    opened.push(page);
    if (opened.length > OPEN_PAGES) {
      const oldest = opened.shift()!;
      if (oldest.place !== undefined) oldest.extents = undefined;
    }
    return page.extents;
  }

  const endOf = (extent: Extent): number => extent.first + blocksOf(extent, blockBytes);

  return {
    get places() {
      return pages.map(({ place }) => place!);
    },
    async *all() {
      for (const page of [...pages]) yield* await extentsOf(page);
      yield* added;
    },
    async holding(block) {
      const page = lastAtOrBefore(pages, block, ({ place }) => place?.first ?? 0);
      const extents = page === undefined ? [] : await extentsOf(page);
      const found = lastAtOrBefore(extents, block, ({ first }) => first);
      return found !== undefined && block < endOf(found) ? found : undefined;
    },
    add(extent) {
      added.push(extent);
    },
    async forget(paths) {
      const byBaseline: Record<Baseline, number> = { store: 0, source: 0, 'content-hash': 0 };
      let extents = 0;
      let bytes = 0;
      for (const page of pages) {
        const before = await extentsOf(page);
        const after = before.filter(({ path, offset, length, baseline }) => {
          if (!paths.has(path)) return true;
          byBaseline[baseline] += offset === 0 ? 1 : 0;
          extents += 1;
          bytes += length;
          return false;
        });
        if (after.length < before.length) Object.assign(page, { place: undefined, extents: after });
      }
      const { store, source: sourceObjects, 'content-hash': contentHashObjects } = byBaseline;
      const objects = store + sourceObjects + contentHashObjects;
      return { objects, sourceObjects, contentHashObjects, extents, bytes };
    },
    async *save() {
      const last = pages.at(-1);
      if (added.length > 0 && last !== undefined) {
        // The last page is filled up first, or each commit would leave a small one.
        const extents = await extentsOf(last);
        if (encodePage(extents).length < PAGE_BYTES / 2) {
          pages.pop();
          added = [...extents, ...added];
        }
      }
      const fresh = cut(added).map((extents): Page => ({ place: undefined, extents }));
      const next = [...pages, ...fresh].filter(({ extents }) => extents === undefined || extents.length > 0);
      if (next.length > PAGES_MAX) refuse('full', 'This state has as many objects as it can list: make another one');
      for (const page of next) {
        if (page.place !== undefined) continue;
        const extents = page.extents!;
        const bytes = seal.seal(encodePage(extents));
        const id = await primitives.sha256(bytes);
        page.place = { id, first: extents[0]!.first, end: endOf(extents.at(-1)!) };
        page.extents = undefined;
        yield { id, bytes };
      }
      pages = next;
      added = [];
    },
  };
}

/** @throws Refusal `state`, `key` */
async function pageAt(
  primitives: Primitives,
  id: Uint8Array,
  seal: Seal,
  fetch: FetchPage,
): Promise<readonly Extent[]> {
  const sealed = await fetch(id);
  if (!primitives.equal(await primitives.sha256(sealed), id))
    refuse('state', 'A page of this state is damaged, or an older one');
  return decodePage(seal.open(sealed));
}

export interface Resealing {
  readonly places: readonly PagePlace[];
  readonly from: Seal;
  readonly to: Seal;
  readonly fetch: FetchPage;
}

/**
 * Puts pages under another seal, one by one, and returns where they lie then.
 * @throws Refusal `state`, `key`
 */
export async function resealPages(
  primitives: Primitives,
  { places, from, to, fetch }: Resealing,
  keep: (page: SealedPage) => Promise<void>,
): Promise<PagePlace[]> {
  const resealed: PagePlace[] = [];
  for (const place of places) {
    const bytes = to.seal(encodePage(await pageAt(primitives, place.id, from, fetch)));
    const id = await primitives.sha256(bytes);
    await keep({ id, bytes });
    resealed.push({ ...place, id });
  }
  return resealed;
}

/** The last element whose key is not above `limit`; keys ascend. */
function lastAtOrBefore<T>(list: readonly T[], limit: number, key: (element: T) => number): T | undefined {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (key(list[middle]!) <= limit) low = middle + 1;
    else high = middle;
  }
  return list[low - 1];
}

/** Lists that fit into a page each. */
function cut(extents: readonly Extent[]): readonly (readonly Extent[])[] {
  const lists: Extent[][] = [];
  let room = 0;
  for (const extent of extents) {
    // Names and paths in UTF-8, numbers and the salt.
    const size = 320 + 3 * (extent.path.length + extent.pin.length + extent.pack.length) + extent.fileTag.length;
    if (room < size) {
      lists.push([]);
      room = PAGE_BYTES;
    }
    lists.at(-1)!.push(extent);
    room -= size;
  }
  return lists;
}
