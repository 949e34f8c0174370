/** What the head of a RISC-V `Image` says of it (Linux, Documentation/arch/riscv/boot-image-header.rst). */
export interface KernelImage {
  /** Where it wants to be, in bytes from the start of RAM. */
  readonly textOffset: number;
  /** Memory that it takes, in bytes: more than the file, which has no zeros at its end. */
  readonly imageBytes: number;
}

export type Inspected =
  | { readonly ok: true; readonly image: KernelImage }
  | { readonly ok: false; readonly reason: string };

/** Bytes of the file's head that `inspectKernel` wants to see, or the whole file. */
export const KERNEL_HEAD_BYTES = 4096;

const HEADER_BYTES = 64;
const MAGIC_AT = 56;
const RISCV_MAGIC = 0x05435352;
const ARM64_MAGIC = 0x644d5241;
const ELF_MACHINES = new Map([
  [3, 'x86'],
  [40, 'Arm'],
  [62, 'x86-64'],
  [183, 'AArch64'],
  [243, 'RISC-V'],
]);

const refused = (reason: string): Inspected => ({ ok: false, reason });

/** Checks that a file of `fileBytes` that starts with `head` is a whole RISC-V `Image`; a reason is one line. */
export function inspectKernel(head: Uint8Array, fileBytes: number): Inspected {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length >= 20 && view.getUint32(0, false) === 0x7f454c46) return refused(describeElf(view));
  if (head[0] === 0x1f && head[1] === 0x8b) return refused('The kernel is compressed with gzip; give the plain Image');
  if (head.length < HEADER_BYTES) return refused(`The kernel is truncated: it has ${fileBytes} bytes`);
  const magic = view.getUint32(MAGIC_AT, true);
  if (magic === ARM64_MAGIC) return refused('The kernel is an Image for AArch64, not for riscv64');
  if (magic !== RISCV_MAGIC) return refused('The kernel is no RISC-V Image: its magic number is missing');
  const textOffset = wideIn(view, 8);
  const imageBytes = wideIn(view, 16);
  if ((view.getUint32(24, true) & 1) !== 0) return refused('The kernel is big-endian');
  if (textOffset % 0x1000 !== 0 || textOffset > 2 ** 32 || imageBytes > 2 ** 32 || imageBytes < HEADER_BYTES) {
    return refused('The kernel’s header makes no sense');
  }
  const contents = contentsEnd(head, view);
  if (fileBytes < contents) return refused(`The kernel is truncated: it has ${fileBytes} of ${contents} bytes`);
  return { ok: true, image: { textOffset, imageBytes: Math.max(imageBytes, fileBytes) } };
}

function describeElf(view: DataView): string {
  const machine = view.getUint16(18, view.getUint8(5) !== 2);
  const name = ELF_MACHINES.get(machine) ?? `machine ${machine}`;
  return machine === 243
    ? 'The kernel is an ELF file; give the Image that the build makes of it'
    : `The kernel is an ELF file for ${name}, not a RISC-V Image`;
}

/** Where the contents end: an Image that is also an EFI program says so in its sections. */
function contentsEnd(head: Uint8Array, view: DataView): number {
  const at = view.getUint32(60, true);
  const isEfi = head[0] === 0x4d && head[1] === 0x5a && at + 24 <= head.length;
  if (!isEfi || view.getUint32(at, false) !== 0x50450000) return HEADER_BYTES;
  const sections = view.getUint16(at + 6, true);
  const table = at + 24 + view.getUint16(at + 20, true);
  let end = HEADER_BYTES;
  for (let i = 0; i < sections && table + 40 * (i + 1) <= head.length; i += 1) {
    const section = table + 40 * i;
    end = Math.max(end, view.getUint32(section + 16, true) + view.getUint32(section + 20, true));
  }
  return end;
}

const wideIn = (view: DataView, at: number): number =>
  view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
