/** What a value must be to be believed, and what it is then. */
export type Check<T> = (value: unknown) => value is T;
type Checked<C> = C extends Check<infer T> ? T : never;
/** A record's fields, each with its check. */
export type Shape = Readonly<Record<string, Check<unknown>>>;
export type Shaped<S extends Shape> = { readonly [K in keyof S]: Checked<S[K]> };

export const anyObject: Check<object> = (value): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const flag: Check<boolean> = (value): value is boolean => typeof value === 'boolean';
/** At most so many characters, none of them a zero, which would end a path early. */
export const text =
  (most: number): Check<string> =>
  (value): value is string =>
    typeof value === 'string' && value.length <= most && !value.includes('\0');
export const whole =
  (most: number): Check<number> =>
  (value): value is number =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
export const oneOf =
  <T extends string>(...values: readonly T[]): Check<T> =>
  (value): value is T =>
    (values as readonly unknown[]).includes(value);
export const orNull =
  <T>(check: Check<T>): Check<T | null> =>
  (value): value is T | null =>
    value === null || check(value);
export const listOf =
  <T>(check: Check<T>, most: number): Check<readonly T[]> =>
  (value): value is readonly T[] =>
    Array.isArray(value) && value.length <= most && value.every(check);
/** These fields and no others. */
export const record =
  <S extends Shape>(shape: S): Check<Shaped<S>> =>
  (value): value is Shaped<S> =>
    anyObject(value) &&
    Object.keys(value).length === Object.keys(shape).length &&
    Object.entries(shape).every(
      ([name, check]) => Object.hasOwn(value, name) && check((value as Record<string, unknown>)[name]),
    );

/** The requests that a table of shapes by name stands for. */
export type RequestOf<T extends Readonly<Record<string, Shape>>> = {
  [K in keyof T]: { readonly do: K } & Shaped<T[K]>;
}[keyof T];

/** A line as one of the table's requests, or undefined when it is anything else. */
export function decodeRequest<T extends Readonly<Record<string, Shape>>>(
  table: T,
  line: string,
): RequestOf<T> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!anyObject(value)) return undefined;
  const name: unknown = (value as { readonly do?: unknown }).do;
  if (typeof name !== 'string' || !Object.hasOwn(table, name)) return undefined;
  const whole = record({ do: oneOf(name), ...table[name] });
  return whole(value) ? (value as RequestOf<T>) : undefined;
}
