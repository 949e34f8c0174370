/** A client's connection, whatever carries it. */
export interface Connection {
  /** Its next line, or undefined when none will come. */
  next(): Promise<string | undefined>;
  /** Sends a line of JSON. */
  tell(value: object): void;
  /** Closes it once what was told is through. */
  end(): void;
}
