/** An entry of an initramfs; names without a leading slash. All belong to root and are of time 0. */
export type InitramfsEntry =
  | { readonly name: string; readonly kind: 'directory' }
  | { readonly name: string; readonly kind: 'file'; readonly mode: number; readonly content: Uint8Array }
  | { readonly name: string; readonly kind: 'symlink'; readonly target: string }
  | {
      readonly name: string;
      readonly kind: 'character';
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    };

const TYPE = { directory: 0o040000, file: 0o100000, symlink: 0o120000, character: 0o020000 } as const;

/**
 * An uncompressed cpio archive in "newc" form (Documentation/driver-api/early-userspace/buffer-format.rst). The same
 * entries in the same order give the same bytes: inode numbers count up, times are 0.
 */
export function initramfs(entries: readonly InitramfsEntry[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const add = (name: string, mode: number, content: Uint8Array, device: readonly [number, number], inode: number) => {
    const nameBytes = Buffer.from(`${name}\0`);
    const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, device[0], device[1], nameBytes.length, 0];
    const header = Buffer.from(
      `070701${fields.map((field) => field.toString(16).toUpperCase().padStart(8, '0')).join('')}`,
    );
    // Header with name, and content, are each padded to four bytes.
    parts.push(header, nameBytes, padding(header.length + nameBytes.length), content, padding(content.length));
  };
  entries.forEach((entry, index) => {
    const permissions = entry.kind === 'directory' ? 0o755 : entry.kind === 'symlink' ? 0o777 : entry.mode;
    const content =
      entry.kind === 'file' ? entry.content : entry.kind === 'symlink' ? Buffer.from(entry.target) : new Uint8Array(0);
    add(
      entry.name,
      TYPE[entry.kind] | permissions,
      content,
      entry.kind === 'character' ? [entry.major, entry.minor] : [0, 0],
      index + 1,
    );
  });
  add('TRAILER!!!', 0, new Uint8Array(0), [0, 0], 0);
  return Buffer.concat(parts);
}

function padding(length: number): Uint8Array {
  return new Uint8Array((4 - (length % 4)) % 4);
}
