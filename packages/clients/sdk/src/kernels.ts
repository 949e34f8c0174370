import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { fail } from './failure.ts';

/** An Image larger than this is not one. */
const KERNEL_LIMIT = 512 * 2 ** 20;
/** "RSC\x05" at 0x38 (Linux, Documentation/arch/riscv/boot-image-header.rst). */
const MAGIC_AT = 0x38;
const MAGIC = 0x0543_5352;

/** Reads a file whole; `what` names it in the error. */
export async function readInput(path: string, what: string): Promise<Uint8Array> {
  const found = await stat(path).catch((cause: unknown) =>
    fail('bad-file', `Cannot open the ${what} "${path}"`, { cause }),
  );
  if (found.isDirectory()) fail('bad-file', `The ${what} "${path}" is a directory`, { hint: 'Give a file' });
  return readFile(path).catch((cause: unknown) => fail('bad-file', `Cannot read the ${what} "${path}"`, { cause }));
}

/**
 * A kernel from `Image` or `Image.gz`, as an uncompressed Image.
 * @throws `bad-file`, `bad-kernel`
 */
export async function readKernel(path: string): Promise<Uint8Array> {
  let bytes = await readInput(path, 'kernel');
  if (bytes[0] === 0x1f && bytes[1] === 0x8b)
    bytes = await promisify(gunzip)(bytes, { maxOutputLength: KERNEL_LIMIT }).catch((cause: unknown) =>
      fail('bad-kernel', `The kernel "${path}" is a damaged gzip file`, { cause }),
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 20 && view.getUint32(0, false) === 0x7f45_4c46) {
    const machine = view.getUint16(18, true);
    if (machine !== 243) fail('bad-kernel', `The kernel "${path}" is an ELF file for another machine (${machine})`);
    fail('bad-kernel', `The kernel "${path}" is an ELF file`, {
      hint: 'Give its Image: objcopy -O binary, or arch/riscv/boot/Image',
    });
  }
  if (bytes.length < 64 || view.getUint32(MAGIC_AT, true) !== MAGIC)
    fail('bad-kernel', `The kernel "${path}" is no riscv64 Image`);
  const needed = lastSectionEnd(bytes, view);
  if (bytes.length < needed)
    fail('bad-kernel', `The kernel "${path}" is truncated: ${bytes.length} bytes of at least ${needed}`);
  return bytes;
}

/** Where the last section of the EFI header ends in the file (PE format, "section table"); 64 where there is none. */
function lastSectionEnd(bytes: Uint8Array, view: DataView): number {
  const header = view.getUint32(0x3c, true);
  if (header + 24 > bytes.length || view.getUint32(header, false) !== 0x5045_0000) return 64;
  const count = view.getUint16(header + 6, true);
  const first = header + 24 + view.getUint16(header + 20, true);
  let end = 64;
  for (let at = first; at < first + 40 * count && at + 24 <= bytes.length; at += 40)
    end = Math.max(end, view.getUint32(at + 20, true) + view.getUint32(at + 16, true));
  return end;
}
