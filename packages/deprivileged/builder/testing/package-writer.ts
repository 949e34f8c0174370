// Makes small Debian packages for tests.
import { gzipSync } from 'node:zlib';
import { plainFile, TAR_END, tarHeader, tarPadding } from '../../../host/images/src/tar-write.ts';
import { AR_MAGIC, arHeader } from '../src/ar.ts';

/** A tar archive of regular files and, for names that end in `/`, directories. */
export function tarOf(files: Readonly<Record<string, string | Uint8Array>>): Buffer {
  const parts: Uint8Array[] = [];
  for (const [name, content] of Object.entries(files)) {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    if (name.endsWith('/')) parts.push(tarHeader({ ...plainFile(name.slice(0, -1), 0, 0o755), type: 'directory' }));
    else parts.push(tarHeader(plainFile(name, bytes.length)), bytes, tarPadding(bytes.length));
  }
  return Buffer.concat([...parts, TAR_END]);
}

/** An `ar` archive. */
export function arOf(members: Readonly<Record<string, Uint8Array>>): Buffer {
  const parts: Uint8Array[] = [AR_MAGIC];
  for (const [name, content] of Object.entries(members)) {
    parts.push(arHeader(name, content.length), content, new Uint8Array(content.length % 2).fill(0x0a));
  }
  return Buffer.concat(parts);
}

/** A package with the given data files, its archives gzip'ed. */
export function debOf(control: string, files: Readonly<Record<string, string | Uint8Array>>): Buffer {
  return arOf({
    'debian-binary': Buffer.from('2.0\n'),
    'control.tar.gz': gzipSync(tarOf({ control })),
    'data.tar.gz': gzipSync(tarOf(files)),
  });
}
