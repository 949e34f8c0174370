/** What the machine has, as `riscv,isa` spells it; the single letters stand for G = IMAFD_Zicsr_Zifencei as well. */
const LETTERS = 'imafdcsug';
const EXTENSIONS = new Set(
  'zicsr zifencei zicntr zihpm zihintpause zba zbb zbs zbc zicbom zicbop zicboz sstc svinval svade svpbmt zaamo zalrsc'.split(
    ' ',
  ),
);

/** Parts of an ISA string such as `rv64gc_zba` that the machine lacks. @throws for what is no RV64 ISA string */
export function lackingExtensions(isa: string): string[] {
  const match = /^rv64([a-z]+?)((?:_?[zsx][a-z0-9]{2,})*)$/.exec(isa.toLowerCase());
  if (match === null) throw new Error(`"${isa}" is no RV64 ISA string, such as rv64gc_zba_zbb`);
  const letters = [...match[1]!].filter((letter) => !LETTERS.includes(letter));
  const named = match[2]!.split('_').filter((name) => name !== '' && !EXTENSIONS.has(name));
  return [...letters, ...named];
}
