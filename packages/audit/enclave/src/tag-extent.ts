import type { Primitives } from '@cloister/crypto';
import { PdpError, SALT_BYTES, type Scheme } from '@cloister/pdp';
import { AUDIT_PIECE_BYTES_MAX, type ToEnclave } from '@cloister/protocol';
import type { Client } from './conversation.ts';
import { refuse } from './failure.ts';
import { hex } from './hex.ts';
import { describeExtent, type Extent, isExtent } from './state/extent.ts';
import type { Head } from './state/head.ts';

export type TagRequest = Extract<ToEnclave, { readonly kind: 'tag' }>;

/**
 * Tags what the client sends as an extent, in a session of its own. Undefined if the client gave it up.
 * @throws Refusal `length`, `content`, `request`
 */
export async function tagExtent(
  primitives: Primitives,
  scheme: Scheme,
  head: Head,
  request: TagRequest,
  client: Client,
): Promise<Extent | undefined> {
  const { path, offset, length, objectBytes, pin, baseline, pack, tagsAt } = request;
  if (offset + length > objectBytes) refuse('request', 'An extent beyond the end of its object');
  const extent: Extent = {
    ...{ path, offset, length, objectBytes, pin, baseline, pack, tagsAt },
    salt: primitives.random(SALT_BYTES),
    version: head.counter + 1,
    first: head.nextBlock,
    fileTag: new Uint8Array(0),
  };
  const isWhole = offset === 0 && length === objectBytes;
  const named = baseline === 'content-hash' ? /(?:^|\/)([0-9a-f]{64})$/.exec(path)?.[1] : undefined;
  if (baseline === 'content-hash' && (named === undefined || !isWhole)) refuse('request', 'A name that is no hash');
  if (!isExtent(extent)) refuse('request', 'A path or a pin that is too long, or a number out of its range');
  const hash = named === undefined ? undefined : primitives.sha256InParts();
  let ended = false;
  let complete = true;
  async function* source(): AsyncGenerator<Uint8Array, void, undefined> {
    while (!ended) {
      const message = await client.expect('data', 'data.end');
      if (message.kind === 'data') {
        hash?.update(message.bytes);
        yield message.bytes;
        continue;
      }
      ended = true;
      complete = message.complete;
    }
  }
  const data = source();
  let fileTag: Uint8Array = extent.fileTag;
  try {
    fileTag = await scheme.tag(head.secretKey, {
      file: await describeExtent(primitives, head, extent),
      source: data,
      out: {
        async write(tags) {
          for (let at = 0; at < tags.length; at += AUDIT_PIECE_BYTES_MAX)
            await client.tell({ kind: 'tags', bytes: tags.subarray(at, at + AUDIT_PIECE_BYTES_MAX) });
        },
      },
    });
  } catch (error) {
    if (!(error instanceof PdpError)) throw error;
    // The rest of the data is out of the way before the next job is read. A generator that was left early has ended.
    while (!ended) {
      const message = await client.expect('data', 'data.end');
      if (message.kind === 'data') continue;
      ended = true;
      complete = message.complete;
    }
    if (complete) refuse(error.code === 'length' ? 'length' : 'request', error.message);
  }
  if (!complete) return undefined;
  if (hash !== undefined && hex(await hash.digest()) !== named)
    refuse('content', 'It does not hold what its name says');
  if (head.prover === '') return extent;
  const tagged = { ...extent, fileTag };
  return isExtent(tagged) ? tagged : refuse('request', `File tags of the scheme "${head.scheme}" are too long`);
}
