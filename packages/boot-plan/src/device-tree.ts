/** A node of a device tree; properties and children in order. */
export interface TreeNode {
  readonly name: string;
  readonly properties: Readonly<Record<string, Uint8Array>>;
  readonly children?: readonly TreeNode[];
}

export interface DeviceTreeBlob {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Offset in `bytes` of a property's value, by path such as `/chosen/rng-seed`. */
  readonly offsets: ReadonlyMap<string, number>;
}

const MAGIC = 0xd00dfeed;
const VERSION = 17;
const LAST_COMPATIBLE_VERSION = 16;
const HEADER_BYTES = 40;
const TOKEN = { beginNode: 1, endNode: 2, property: 3, end: 9 } as const;

const encoder = new TextEncoder();

/** 32-bit cells, big-endian. */
export function cells(...values: readonly number[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(4 * values.length);
  const view = new DataView(out.buffer);
  values.forEach((value, i) => void view.setUint32(4 * i, value, false));
  return out;
}

/** A number as two cells. */
export const wide = (value: number): readonly [number, number] => [Math.floor(value / 2 ** 32), value % 2 ** 32];

/** Strings, each with its NUL. */
export const strings = (...values: readonly string[]): Uint8Array<ArrayBuffer> =>
  encoder.encode(values.map((value) => `${value}\0`).join(''));

/** A property that says what it says by being there. */
export const EMPTY = new Uint8Array(0);

/** The flattened form of a tree (Devicetree Specification 0.4 §5). */
export function flatten(root: TreeNode): DeviceTreeBlob {
  const names = new Map<string, number>();
  let namesBytes = 0;
  const structure: Uint8Array[] = [];
  let length = 0;
  const offsets = new Map<string, number>();

  const append = (bytes: Uint8Array): void => {
    structure.push(bytes);
    const padding = -bytes.length & 3;
    if (padding > 0) structure.push(new Uint8Array(padding));
    length += bytes.length + padding;
  };
  const nameOffset = (name: string): number => {
    const known = names.get(name);
    if (known !== undefined) return known;
    const offset = namesBytes;
    names.set(name, offset);
    namesBytes += encoder.encode(name).length + 1;
    return offset;
  };
  const appendNode = (node: TreeNode, path: string): void => {
    append(cells(TOKEN.beginNode));
    append(strings(node.name));
    for (const [name, value] of Object.entries(node.properties)) {
      append(cells(TOKEN.property, value.length, nameOffset(name)));
      offsets.set(`${path}/${name}`, STRUCTURE_AT + length);
      append(value);
    }
    for (const child of node.children ?? []) appendNode(child, `${path}/${child.name}`);
    append(cells(TOKEN.endNode));
  };
  appendNode(root, '');
  append(cells(TOKEN.end));

  const out = new Uint8Array(STRUCTURE_AT + length + namesBytes);
  const stringsAt = STRUCTURE_AT + length;
  const header = [MAGIC, out.length, STRUCTURE_AT, stringsAt, HEADER_BYTES, VERSION, LAST_COMPATIBLE_VERSION];
  out.set(cells(...header, 0, namesBytes, length), 0);
  let at = STRUCTURE_AT;
  for (const bytes of structure) {
    out.set(bytes, at);
    at += bytes.length;
  }
  out.set(strings(...names.keys()), stringsAt);
  return { bytes: out, offsets };
}

/** After the header comes an empty memory reservation block: one entry of zeros. */
const STRUCTURE_AT = HEADER_BYTES + 16;
