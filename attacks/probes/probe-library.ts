/**
 * A shared object for x86-64 whose initializer writes "addon" to descriptor 3: what loading an addon amounts to. One
 * segment; the dynamic section has the least that a loader asks for (System V ABI, chapter 5).
 */
export const PROBE_LIBRARY = library();

function library(): Uint8Array {
  const word = (value: number, bytes: number): number[] =>
    Array.from({ length: bytes }, (_, index) => (value / 2 ** (8 * index)) & 0xff);
  const [dynamicAt, hashAt, symbolsAt, stringsAt, codeAt, messageAt, end] = [176, 320, 344, 368, 384, 432, 448];
  const [DT_NULL, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_INIT] = [0, 4, 5, 6, 10, 11, 12];
  const dynamic = [
    [DT_HASH, hashAt],
    [DT_STRTAB, stringsAt],
    [DT_SYMTAB, symbolsAt],
    [DT_STRSZ, 1],
    [DT_SYMENT, 24],
    [DT_INIT, codeAt],
    [DT_NULL, 0],
  ] as const;
  const segment = (type: number, at: number, length: number): number[] => [
    ...[...word(type, 4), ...word(7, 4)], // readable, writable, executable
    ...[at, at, at, length, length, 0x1000].flatMap((value) => word(value, 8)),
  ];
  const bytes = new Uint8Array(end);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  // ET_DYN, EM_X86_64, EV_CURRENT, e_entry, e_phoff, e_shoff, e_flags, e_ehsize, e_phentsize, e_phnum, e_shentsize
  bytes.set([...word(3, 2), ...word(62, 2), ...word(1, 4), ...word(0, 8), ...word(64, 8), ...word(0, 8)], 16);
  bytes.set([...word(0, 4), ...word(64, 2), ...word(56, 2), ...word(2, 2), ...word(64, 2)], 48);
  bytes.set([...segment(1 /* PT_LOAD */, 0, end), ...segment(2 /* PT_DYNAMIC */, dynamicAt, dynamic.length * 16)], 64);
  bytes.set(
    dynamic.flatMap(([tag, value]) => [...word(tag, 8), ...word(value, 8)]),
    dynamicAt,
  );
  bytes.set([...word(1, 4), ...word(1, 4)], hashAt); // one bucket, one chain, both empty
  // mov eax, 1; mov edi, 3; lea rsi, [rip + message]; mov edx, 5; syscall; ret
  const code = [0xb8, 1, 0, 0, 0, 0xbf, 3, 0, 0, 0, 0x48, 0x8d, 0x35];
  code.push(...word(messageAt - (codeAt + code.length + 4), 4), 0xba, 5, 0, 0, 0, 0x0f, 0x05, 0xc3);
  bytes.set(code, codeAt);
  bytes.set(new TextEncoder().encode('addon'), messageAt);
  return bytes;
}
