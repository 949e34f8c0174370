import { type Channel, converse, type FromEnclave, fromEnclave, type ToEnclave, toEnclave } from '@cloister/protocol';
import { refuse } from './failure.ts';

type Kind = ToEnclave['kind'];
type Of<K extends Kind> = Extract<ToEnclave, { readonly kind: K }>;

/** More than one job ever has under way. */
const SET_ASIDE_MAX = 256;

/** The enclave's side of its channel. */
export interface Client {
  tell(message: FromEnclave): Promise<void>;
  /** The next message; undefined for one that is none. @throws ChannelClosed */
  next(): Promise<ToEnclave | undefined>;
  /**
   * The next message, of these kinds.
   * @throws Refusal `request` for another one, ChannelClosed
   */
  expect<K extends Kind>(...kinds: readonly K[]): Promise<Of<K>>;
  /** The next message of these kinds; others wait for who expects them. @throws as `expect` */
  pick<K extends Kind>(...kinds: readonly K[]): Promise<Of<K>>;
}

export function clientOver(channel: Channel): Client {
  const talk = converse(channel);
  const aside: ToEnclave[] = [];
  const arrived = async (): Promise<ToEnclave | undefined> => toEnclave.decode(await talk.next());
  const isOf = <K extends Kind>(kinds: readonly K[], message: ToEnclave | undefined): message is Of<K> =>
    message !== undefined && (kinds as readonly Kind[]).includes(message.kind);
  const next = async (): Promise<ToEnclave | undefined> => aside.shift() ?? (await arrived());
  return {
    tell: (message) => talk.send(fromEnclave.encode(message)),
    next,
    async expect(...kinds) {
      const message = await next();
      return isOf(kinds, message) ? message : refuse('request', `One of ${kinds.join(', ')} was expected`);
    },
    async pick(...kinds) {
      for (;;) {
        const message = await arrived();
        if (isOf(kinds, message)) return message;
        if (message === undefined || aside.length === SET_ASIDE_MAX)
          return refuse('request', `One of ${kinds.join(', ')} was expected`);
        aside.push(message);
      }
    },
  };
}
