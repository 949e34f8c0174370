import { refuse } from './failure.ts';

/**
 * The names of the modules that a kernel module needs loaded first, from the `depends=` entry of its `.modinfo` section
 * (what depmod reads from symbols, the kernel's build has already written there). Throws `malformed` for what is no
 * 64-bit little-endian RISC-V ELF file with that section.
 */
export function moduleDependencies(module: Uint8Array): string[] {
  const view = new DataView(module.buffer, module.byteOffset, module.byteLength);
  const bad = (): never => refuse('malformed', 'Not a RISC-V kernel module');
  if (module.length < 64 || view.getUint32(0) !== 0x7f454c46 || module[4] !== 2 || module[5] !== 1) bad();
  if (view.getUint16(18, true) !== 243) bad();
  const tableOffset = Number(view.getBigUint64(40, true));
  const entrySize = view.getUint16(58, true);
  const count = view.getUint16(60, true);
  const namesIndex = view.getUint16(62, true);
  if (entrySize < 64 || namesIndex >= count || tableOffset + count * entrySize > module.length) bad();
  const section = (index: number): { nameOffset: number; bytes: Uint8Array } => {
    const at = tableOffset + index * entrySize;
    const offset = Number(view.getBigUint64(at + 24, true));
    const size = Number(view.getBigUint64(at + 32, true));
    const type = view.getUint32(at + 4, true);
    // SHT_NOBITS has no bytes in the file.
    if (type !== 8 && offset + size > module.length) bad();
    return {
      nameOffset: view.getUint32(at, true),
      bytes: type === 8 ? new Uint8Array(0) : module.subarray(offset, offset + size),
    };
  };
  const names = section(namesIndex).bytes;
  for (let index = 0; index < count; index++) {
    const { nameOffset, bytes } = section(index);
    const name = Buffer.from(names.subarray(nameOffset, nameOffset + 9)).toString('latin1');
    if (name !== '.modinfo\0') continue;
    for (const entry of Buffer.from(bytes).toString('latin1').split('\0')) {
      if (entry.startsWith('depends='))
        return entry
          .slice(8)
          .split(',')
          .filter((part) => /^[A-Za-z0-9_-]+$/.test(part));
    }
    return [];
  }
  return bad();
}
