/**
 * How messages become bytes. A table of messages gives each its code and its fields in order; the one encoder and the
 * one decoder are made from it, so that no message has its bytes written down twice and every decoder is total.
 *
 * A message is its code (one byte), then its fields: integers little-endian; `size` is eight bytes and at most
 * 2^53 - 1; `bytes` and `text` (UTF-8) have a four-byte length before them, lists a four-byte count. A field with a
 * range is no message outside it: the decoder has checked what can be checked without the receiver's state.
 */
export type Scalar = 'bool' | 'u8' | 'u16' | 'u32' | 'u64' | 'size' | 'bytes' | 'text';
export type Field =
  | Scalar
  | Range
  | { readonly oneOf: readonly string[] }
  | { readonly listOf: Scalar; readonly upTo?: number };

/** A number from `from` to `to`, or bytes of such a length; both ends included. */
export interface Range {
  readonly scalar: 'u8' | 'u16' | 'u32' | 'size' | 'bytes';
  readonly from: number;
  readonly to: number;
}

export type Fields = Readonly<Record<string, Field>>;
export type MessageTable = Readonly<Record<string, { readonly code: number; readonly fields: Fields }>>;

type ScalarValue<S> = S extends 'bool'
  ? boolean
  : S extends 'u64'
    ? bigint
    : S extends 'bytes'
      ? Uint8Array
      : S extends 'text'
        ? string
        : number;

type FieldValue<F> = F extends { readonly oneOf: readonly (infer Choice)[] }
  ? Choice
  : F extends { readonly listOf: infer S }
    ? readonly ScalarValue<S>[]
    : F extends { readonly scalar: infer S }
      ? ScalarValue<S>
      : ScalarValue<F>;

/** The messages of a table, as a union told apart by `kind`. */
export type MessageOf<T extends MessageTable> = {
  [K in keyof T & string]: { readonly kind: K } & {
    readonly [N in keyof T[K]['fields']]: FieldValue<T[K]['fields'][N]>;
  };
}[keyof T & string];

/** One direction of a channel: its messages and their bytes. */
export interface MessageSet<M> {
  /** @throws RangeError for a value that its field cannot hold. */
  encode(message: M): Uint8Array<ArrayBuffer>;
  /** Undefined for anything that is not exactly one message. `bytes` fields are views of `frame`, not copies. */
  decode(frame: Uint8Array): M | undefined;
}

type Untyped = Readonly<Record<string, unknown>>;

/** @throws RangeError when two messages of the table share a code. */
export function messageSet<const T extends MessageTable>(table: T): MessageSet<MessageOf<T>> {
  const byCode = new Map<number, { readonly kind: string; readonly fields: readonly (readonly [string, Field])[] }>();
  for (const [kind, { code, fields }] of Object.entries(table)) {
    if (byCode.has(code)) throw new RangeError(`Two messages have code ${code}`);
    byCode.set(code, { kind, fields: Object.entries(fields) });
  }
  return {
    encode(message) {
      const { code, fields } = table[message.kind]!;
      const values = message as Untyped;
      let length = 1;
      for (const name in fields) length += fieldLength(fields[name]!, values[name]);
      const out = new Uint8Array(length);
      const writer: Writer = { out, at: 1 };
      out[0] = code;
      for (const name in fields) writeField(writer, fields[name]!, values[name]);
      return out;
    },
    decode(frame) {
      const definition = frame.length > 0 ? byCode.get(frame[0]!) : undefined;
      if (definition === undefined) return undefined;
      const reader: Reader = { frame, at: 1 };
      const message: Record<string, unknown> = { kind: definition.kind };
      for (const [name, field] of definition.fields) {
        const value = readField(reader, field);
        if (value === undefined) return undefined;
        message[name] = value;
      }
      return reader.at === frame.length ? (message as MessageOf<T>) : undefined;
    },
  };
}

// Byte by byte: a view of a short array's buffer makes the engine give it one, outside of its heap (1 us and 100 bytes each).
interface Writer {
  readonly out: Uint8Array;
  at: number;
}

interface Reader {
  readonly frame: Uint8Array;
  at: number;
}

const WIDTH = { bool: 1, u8: 1, u16: 2, u32: 4, u64: 8, size: 8 } as const;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function fieldLength(field: Field, value: unknown): number {
  if (typeof field === 'string') return scalarLength(field, value);
  if ('oneOf' in field) return 1;
  if ('scalar' in field) return scalarLength(field.scalar, value);
  let length = 4;
  for (const item of value as readonly unknown[]) length += scalarLength(field.listOf, item);
  return length;
}

function scalarLength(scalar: Scalar, value: unknown): number {
  if (scalar === 'bytes') return 4 + (value as Uint8Array).length;
  if (scalar === 'text') return 4 + encoder.encode(value as string).length;
  return WIDTH[scalar];
}

function writeField(writer: Writer, field: Field, value: unknown): void {
  if (typeof field === 'string') writeScalar(writer, field, value);
  else if ('oneOf' in field) writeNumber(writer, 'u8', field.oneOf.indexOf(value as string));
  else if ('scalar' in field) {
    if (!within(field, value)) throw new RangeError(`${field.scalar} is not from ${field.from} to ${field.to}`);
    writeScalar(writer, field.scalar, value);
  } else {
    const list = value as readonly unknown[];
    if (list.length > (field.upTo ?? Number.POSITIVE_INFINITY)) throw new RangeError(`${list.length} are too many`);
    writeNumber(writer, 'u32', list.length);
    for (const item of list) writeScalar(writer, field.listOf, item);
  }
}

function within({ from, to }: Range, value: unknown): boolean {
  const size = typeof value === 'number' ? value : (value as Uint8Array).length;
  return size >= from && size <= to;
}

function writeScalar(writer: Writer, scalar: Scalar, value: unknown): void {
  if (scalar === 'bool') writeNumber(writer, 'u8', value === true ? 1 : 0);
  else if (scalar === 'bytes') writeBytes(writer, value as Uint8Array);
  else if (scalar === 'text') writeBytes(writer, encoder.encode(value as string));
  else if (scalar === 'u64') {
    const wide = value as bigint;
    if (BigInt.asUintN(64, wide) !== wide) throw new RangeError(`${wide} does not fit into 64 bits`);
    putLow(writer, Number(wide & 0xffff_ffffn), 4);
    putLow(writer, Number(wide >> 32n), 4);
  } else writeNumber(writer, scalar, value as number);
}

function writeNumber(writer: Writer, scalar: 'u8' | 'u16' | 'u32' | 'size', value: number): void {
  const limit = scalar === 'size' ? Number.MAX_SAFE_INTEGER : 2 ** (8 * WIDTH[scalar]) - 1;
  if (!Number.isInteger(value) || value < 0 || value > limit) throw new RangeError(`${value} is no ${scalar}`);
  putLow(writer, value % 2 ** 32, Math.min(4, WIDTH[scalar]));
  if (scalar === 'size') putLow(writer, Math.floor(value / 2 ** 32), 4);
}

/** The lowest bytes of a word. */
function putLow(writer: Writer, word: number, count: number): void {
  for (let i = 0; i < count; i += 1) writer.out[writer.at + i] = word >>> (8 * i);
  writer.at += count;
}

function writeBytes(writer: Writer, bytes: Uint8Array): void {
  writeNumber(writer, 'u32', bytes.length);
  writer.out.set(bytes, writer.at);
  writer.at += bytes.length;
}

function readField(reader: Reader, field: Field): unknown {
  if (typeof field === 'string') return readScalar(reader, field);
  if ('oneOf' in field) {
    const choice = readNumber(reader, 'u8');
    return choice === undefined ? undefined : field.oneOf[choice];
  }
  if ('scalar' in field) {
    const value = readScalar(reader, field.scalar);
    return value !== undefined && within(field, value) ? value : undefined;
  }
  const count = readNumber(reader, 'u32');
  if (count === undefined || count > (field.upTo ?? Number.POSITIVE_INFINITY)) return undefined;
  const list: unknown[] = [];
  for (let i = 0; i < count; i += 1) {
    const item = readScalar(reader, field.listOf);
    if (item === undefined) return undefined;
    list.push(item);
  }
  return list;
}

function readScalar(reader: Reader, scalar: Scalar): unknown {
  switch (scalar) {
    case 'bool': {
      const value = readNumber(reader, 'u8');
      return value === undefined || value > 1 ? undefined : value === 1;
    }
    case 'u64': {
      const [low, high] = [readNumber(reader, 'u32'), readNumber(reader, 'u32')];
      return low === undefined || high === undefined ? undefined : BigInt(low) + (BigInt(high) << 32n);
    }
    case 'bytes':
      return readBytes(reader);
    case 'text': {
      const bytes = readBytes(reader);
      return bytes === undefined ? undefined : readText(bytes);
    }
    default:
      return readNumber(reader, scalar);
  }
}

function readNumber(reader: Reader, scalar: 'u8' | 'u16' | 'u32' | 'size'): number | undefined {
  const { frame, at } = reader;
  if (at + WIDTH[scalar] > frame.length) return undefined;
  reader.at += WIDTH[scalar];
  let value = frame[at]!;
  if (scalar === 'u8') return value;
  value |= frame[at + 1]! << 8;
  if (scalar === 'u16') return value;
  value = wordAt(frame, at);
  if (scalar === 'u32') return value;
  value += wordAt(frame, at + 4) * 2 ** 32;
  return Number.isSafeInteger(value) ? value : undefined;
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;

function readBytes(reader: Reader): Uint8Array | undefined {
  const length = readNumber(reader, 'u32');
  if (length === undefined || reader.at + length > reader.frame.length) return undefined;
  reader.at += length;
  return reader.frame.subarray(reader.at - length, reader.at);
}

function readText(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
