import { byteReader, collect, sourceOf } from './byte-reader.ts';
import { type Compression, compressionOf, decompress } from './decompress.ts';
import { refuse } from './failure.ts';

const LIMIT = 256 * 1024 * 1024;

/**
 * A kernel file unpacked to the plain RISC-V `Image` (Documentation/arch/riscv/boot-image-header.rst: magic "RSC\x05" at
 * 0x38): as it is, gzip'ed, or in an EFI zboot wrapper (drivers/firmware/efi/libstub/zboot-header.S: "zimg" at 4, then
 * the payload's offset and size, and its compression's name at 24). Throws `malformed`, `unsupported`, `truncated`.
 */
export async function plainKernel(file: Uint8Array): Promise<Uint8Array> {
  if (isImage(file)) return checkedLength(file);
  const compression = compressionOf(file);
  if (compression !== 'none') return plain(await collect(decompress(sourceOf(file), compression, LIMIT), LIMIT));
  if (file.length > 64 && Buffer.from(file.subarray(4, 8)).toString('latin1') === 'zimg') {
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    const offset = view.getUint32(8, true);
    const size = view.getUint32(12, true);
    const name = Buffer.from(file.subarray(24, 56)).toString('latin1').replace(/\0.*$/s, '');
    if (offset + size > file.length) refuse('truncated', 'The kernel ends before its payload does');
    const payload = file.subarray(offset, offset + size);
    const known: Readonly<Record<string, Compression>> = { gzip: 'gz', xzkern: 'xz', zstd: 'zstd', zstd22: 'zstd' };
    const kind = known[name] ?? refuse('unsupported', `The kernel is compressed with "${name}"`);
    return plain(await firstBytes(payload, kind));
  }
  refuse('unsupported', 'The kernel is not a RISC-V Image');
}

/** A zboot payload may be followed by padding, so the length is taken from the Image's own header. */
async function firstBytes(payload: Uint8Array, kind: Compression): Promise<Uint8Array> {
  const reader = byteReader(decompress(sourceOf(payload), kind, LIMIT));
  return collect(reader.rest(), LIMIT);
}

function plain(image: Uint8Array): Uint8Array {
  if (!isImage(image)) refuse('unsupported', 'The kernel is not a RISC-V Image');
  return checkedLength(image);
}

function isImage(file: Uint8Array): boolean {
  return file.length >= 64 && Buffer.from(file.subarray(0x38, 0x3c)).toString('latin1') === 'RSC\u0005';
}

/** `image_size` counts memory, bss included: the file may be shorter, yet not by more than a kernel's bss. */
function checkedLength(image: Uint8Array): Uint8Array {
  const size = new DataView(image.buffer, image.byteOffset, image.byteLength).getBigUint64(16, true);
  if (size === 0n || size > BigInt(LIMIT)) refuse('malformed', 'The kernel Image has no sound size');
  if (BigInt(image.length) * 2n < size) refuse('truncated', 'The kernel Image is truncated');
  return image;
}
