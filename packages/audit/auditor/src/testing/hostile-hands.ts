import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Channel, keyEnvelope } from '../../../../protocol/src/index.ts';
import { aes256Gcm, nodePrimitives, type Primitives } from '../../../../trusted/crypto/src/index.ts';
import { openEnvelope } from '../../../enclave/src/hand-over/envelope.ts';
import { decodeRecord } from '../../../pdp/src/index.ts';
import { type AuditContext, withAudit } from '../open-audit.ts';
import { enclaveHere, measuredHere } from './enclave-here.ts';

/** Gives keys with a secret of one's choice, past all checks. */
export const giveUnchecked = (
  context: AuditContext,
  name: string,
  job: {
    readonly recipient: Uint8Array;
    readonly evidence: Uint8Array;
    readonly secret: string;
    readonly out: string;
  },
): Promise<void> =>
  withAudit(context, name, undefined, async (audit) => {
    const { recipient, evidence, out } = job;
    mkdirSync(join(out, 'pages'), { recursive: true });
    const secret = new Uint8Array(Buffer.from(job.secret, 'hex'));
    const message = { kind: 'hand-over', recipient, evidence, secret, store: audit.facts.store } as const;
    await audit.link.run(message, async (answer) => {
      if (answer.kind === 'page')
        writeFileSync(join(out, 'pages', Buffer.from(answer.id).toString('hex')), answer.bytes);
      else if (answer.kind === 'handed') {
        writeFileSync(join(out, 'head'), answer.head);
        writeFileSync(join(out, 'envelope'), answer.envelope);
      } else await audit.serve(answer);
    });
  });

/** Enclaves whose frames are kept, those that they hear and those that they say. */
export function tapped(primitives: Primitives, frames: Uint8Array[]): AuditContext {
  const start = enclaveHere(Date.now, primitives, (frame) => frames.push(frame));
  return {
    measureEnclave: measuredHere,
    startEnclave: async () => {
      const enclave = await start();
      const { channel } = enclave;
      const send = (frame: Uint8Array): void => {
        frames.push(frame.slice());
        channel.send(frame);
      };
      return { ...enclave, channel: Object.create(channel, { send: { value: send } }) as Channel };
    },
  };
}

/** What was handed over, opened with a key file that lies beside the offer that it was handed to. */
export function openedWithKeyFile(files: ReadonlyMap<string, Buffer>, bundle: string): Uint8Array {
  const ending = (end: string): Buffer => [...files].find(([path]) => path.endsWith(end))![1];
  const offer = decodeRecord(
    (value): value is { readonly recipientSecret: Uint8Array } => value !== undefined,
    unsealed(ending('.key'), 'offer', ending('/sealed')),
  )!;
  const envelope = keyEnvelope.decode(readFileSync(join(bundle, 'envelope')))!;
  const { transitKey } = openEnvelope(offer.recipientSecret, envelope)!;
  return unsealed(transitKey, 'handed head', readFileSync(join(bundle, 'head')));
}

/** As the enclave's seal has it: 8 bytes of format, a nonce, the rest. */
function unsealed(key: Uint8Array, purpose: string, sealed: Uint8Array): Uint8Array {
  const own = nodePrimitives.hmacSha256(key)(Buffer.from(`cloister audit ${purpose}`)) as Uint8Array;
  return aes256Gcm(own).open(sealed.subarray(8, 20), sealed.subarray(20))!;
}
