/**
 * The order of two package versions: negative, 0 or positive (Debian Policy 5.6.12: epoch, upstream version, revision;
 * letters before other characters, `~` before everything, digits as numbers).
 */
export function compareVersions(left: string, right: string): number {
  const a = split(left);
  const b = split(right);
  return a.epoch - b.epoch || comparePart(a.upstream, b.upstream) || comparePart(a.revision, b.revision);
}

function split(version: string): { epoch: number; upstream: string; revision: string } {
  const colon = version.indexOf(':');
  const epoch = colon < 0 ? 0 : Number(version.slice(0, colon));
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf('-');
  return {
    epoch: Number.isFinite(epoch) ? epoch : 0,
    upstream: dash < 0 ? rest : rest.slice(0, dash),
    revision: dash < 0 ? '0' : rest.slice(dash + 1),
  };
}

function comparePart(left: string, right: string): number {
  let a = left;
  let b = right;
  while (a !== '' || b !== '') {
    const textA = /^\D*/.exec(a)![0];
    const textB = /^\D*/.exec(b)![0];
    for (let index = 0; index < Math.max(textA.length, textB.length); index++) {
      const difference = weight(textA[index]) - weight(textB[index]);
      if (difference !== 0) return difference;
    }
    a = a.slice(textA.length);
    b = b.slice(textB.length);
    const digitsA = /^\d*/.exec(a)![0];
    const digitsB = /^\d*/.exec(b)![0];
    const numberA = digitsA.replace(/^0+/, '');
    const numberB = digitsB.replace(/^0+/, '');
    if (numberA.length !== numberB.length) return numberA.length - numberB.length;
    if (numberA !== numberB) return numberA < numberB ? -1 : 1;
    a = a.slice(digitsA.length);
    b = b.slice(digitsB.length);
  }
  return 0;
}

/** `~` sorts before the end, the end before letters, letters before the rest. */
function weight(character: string | undefined): number {
  if (character === undefined) return 0;
  if (character === '~') return -1;
  return /[A-Za-z]/.test(character) ? character.charCodeAt(0) : character.charCodeAt(0) + 256;
}
