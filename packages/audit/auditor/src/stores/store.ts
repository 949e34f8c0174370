import type { Loss } from '@cloister/protocol';

/** An object as a store lists it. */
export interface StoredObject {
  /** Its name, with `/` between its parts. */
  readonly path: string;
  readonly bytes: number;
  /** What the store calls this state of it: another one is another pin. */
  readonly pin: string;
}

/** Why bytes could not be read. */
export class StoreLoss extends Error {
  override readonly name = 'StoreLoss';
  readonly loss: Loss;

  constructor(loss: Loss, message: string) {
    super(message);
    this.loss = loss;
  }
}

/** Storage that only keeps bytes, and runs nothing of ours. Everything that it says may be a lie. */
export interface Store {
  /** As its owner named it, made absolute. */
  readonly name: string;
  /** All objects, in any order. @throws StoreLoss */
  list(): AsyncIterable<StoredObject>;
  /**
   * `length` bytes of an object from `offset` on; fewer only where the object ends.
   * @throws StoreLoss
   */
  read(path: string, pin: string, offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}
