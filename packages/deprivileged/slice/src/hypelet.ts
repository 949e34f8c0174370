import {
  type FromMachine,
  HYPELET_ANSWERS,
  HYPELET_CALLS,
  SLICE_CALLS,
  type SliceCall,
  type ToMachine,
} from '@cloister/protocol';

type CallMessage<K extends SliceCall> = Omit<Extract<ToMachine, { kind: K }>, 'kind'>;
type AnswerKind<K extends SliceCall> = (typeof HYPELET_CALLS)[K]['answer'];
type Answer<K extends SliceCall> =
  AnswerKind<K> extends string ? Promise<Extract<FromMachine, { kind: AnswerKind<K> }>> : undefined;

/** The calls as functions. One that has an answer is a promise of it, rejected when the machine refuses. */
export type HypeletFunctions = { readonly [K in SliceCall]: (call: CallMessage<K>) => Answer<K> };

export interface Hypelet {
  readonly call: HypeletFunctions;
  /** Takes a message of the machine's if it is an answer. */
  hear(message: FromMachine): boolean;
}

interface Waiting {
  resolve(message: FromMachine): void;
  reject(error: Error): void;
}

/**
 * The slice's side of the ten calls, made from their table. The machine answers calls in their order, so that an answer
 * belongs to the oldest call of its kind. `refused` is told of refused calls that have no answer.
 */
export function createHypelet(
  send: (message: ToMachine) => void,
  refused: (call: SliceCall, reason: string) => void,
): Hypelet {
  const waiting = new Map<SliceCall, Waiting[]>();
  const byAnswer = new Map<string, SliceCall>();
  const functions: Record<string, (call: object) => unknown> = {};
  for (const kind of SLICE_CALLS) {
    const { answer } = HYPELET_CALLS[kind];
    if (answer === undefined) functions[kind] = (call) => void send({ kind, ...call } as ToMachine);
    else {
      byAnswer.set(answer, kind);
      const queue: Waiting[] = [];
      waiting.set(kind, queue);
      functions[kind] = (call) =>
        new Promise((resolve, reject) => {
          queue.push({ resolve, reject });
          send({ kind, ...call } as ToMachine);
        });
    }
  }
  return {
    call: functions as HypeletFunctions,
    hear(message) {
      if (message.kind === 'call.refused') {
        const asked = waiting.get(message.call)?.shift();
        if (asked === undefined) refused(message.call, message.reason);
        else asked.reject(new Error(`The machine refused ${message.call}: ${message.reason}`));
        return true;
      }
      if (!(message.kind in HYPELET_ANSWERS)) return false;
      waiting.get(byAnswer.get(message.kind)!)?.shift()?.resolve(message);
      return true;
    },
  };
}
