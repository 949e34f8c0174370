export function checkStructure(
  tree: string,
  folders: readonly string[],
): { modules: number; violations: readonly string[] };
