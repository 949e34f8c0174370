import { CloisterError, serveProver } from '@cloister/sdk';
import { parseSize } from './flags.ts';

export interface ProverFlags {
  readonly listen: string;
  readonly tags?: string;
  readonly public?: readonly string[];
  readonly atOnce?: string;
  readonly maxRead?: string;
  readonly log?: boolean;
}

/** Serves proofs until it is ended. */
export async function runProver(directory: string, flags: ProverFlags): Promise<number> {
  const { host, port } = addressOf(flags.listen);
  const ended = new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  const prover = await serveProver({
    ...{ directory, host, port, tags: flags.tags, publicKeys: flags.public },
    proofsAtOnce: flags.atOnce === undefined ? undefined : atOnce(flags.atOnce),
    readMax: flags.maxRead === undefined ? undefined : parseSize(flags.maxRead, '--max-read'),
    log: flags.log === true ? (line) => void process.stderr.write(`${line}\n`) : undefined,
  }).catch((error: Error) => {
    throw new CloisterError('bad-file', `Cannot serve "${directory}" (${error.message})`, {
      hint: 'Check the directory, the keys and --listen',
    });
  });
  process.stdout.write(`Proofs of ${directory} at ${prover.url}\n`);
  await ended;
  await prover.close();
  return 0;
}

function addressOf(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]*)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3] ?? Number.NaN);
  const host = match?.[1] ?? match?.[2] ?? '';
  if (match === null || port > 65535 || host === '')
    throw new CloisterError('bad-usage', `"${text}" is no address to listen at`, {
      hint: 'Give HOST:PORT, such as 127.0.0.1:7480 or [::1]:7480',
    });
  return { host, port };
}

function atOnce(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new CloisterError('bad-usage', `"${text}" is no number of proofs`, { hint: 'Give 1 to 999' });
}
