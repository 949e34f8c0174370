import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CertifiedCounter, TpmQuote } from '@cloister/evidence';
import { fail } from './audit-error.ts';

const run = promisify(execFile);
const DEADLINE_MS = 30_000;

/**
 * What a key is sealed to: what the firmware, its options, the boot loader and the secure-boot policy were (PC Client
 * Platform Firmware Profile), and what this program measured the enclave to be, in a register that may be reset.
 */
const PCRS = 'sha256:0,2,4,7,23';
const ENCLAVE_PCR = 23;

/** A secret that a TPM opens on the same machine, in the same state, for the same enclave. */
export interface SealedByTpm {
  readonly public: Uint8Array;
  readonly private: Uint8Array;
}

/** This machine's TPM, by tpm2-tools, which find it as `TPM2TOOLS_TCTI` says. @throws AuditError `no-tpm`, `bad-key` */
export interface Tpm {
  seal(secret: Uint8Array): Promise<SealedByTpm>;
  unseal(sealed: SealedByTpm): Promise<Uint8Array>;
  /** Makes a counter that only goes up, at an index of the owner's; returns where it begins. */
  defineCounter(index: number): Promise<number>;
  readCounter(index: number): Promise<number>;
  increment(index: number): Promise<number>;
  removeCounter(index: number): Promise<void>;
  /** What quotes are signed with, in PEM. */
  attestationKey(): Promise<string>;
  /** What registers of the SHA-256 bank hold: 32 bytes each. */
  registers(numbers: readonly string[]): Promise<readonly Uint8Array[]>;
  /** Says what state the machine is in, and where a counter stands, both signed with the nonce. */
  quote(nonce: Uint8Array, index?: number): Promise<TpmQuote>;
}

/** @param measured 32 bytes: what the enclave is */
export async function withTpm<T>(measured: Uint8Array, work: (tpm: Tpm) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'cloister-tpm-'));
  const at = (name: string): string => join(folder, name);
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

  /**
   * One command of tpm2-tools, in the folder, which no secret enters: those go in and out through pipes. What it leaves in
   * the TPM is taken out, for there is little room.
   */
  async function tpm2(command: string, args: readonly string[], secret?: Uint8Array): Promise<Buffer> {
    const options = { cwd: folder, timeout: DEADLINE_MS } as const;
    try {
      const running = run(`tpm2_${command}`, [...args], { ...options, encoding: 'buffer' });
      running.child.stdin?.on('error', () => undefined).end(secret);
      return (await running).stdout;
    } catch (error) {
      const { code, stderr } = error as { code?: string | number; stderr?: Buffer };
      if (code === 'ENOENT') fail('no-tpm', 'There is no tpm2-tools here', error);
      const lines = (stderr ?? '').toString('latin1').split('\n');
      const why = lines.find((line) => line.startsWith('ERROR')) ?? String(code);
      return fail(
        command === 'unseal' ? 'bad-key' : 'no-tpm',
        `The TPM refuses (${command}): ${why.slice(0, 200)}`,
        error,
      );
    } finally {
      for (const kind of ['-t', '-l', '-s']) await run('tpm2_flushcontext', [kind], options).catch(() => undefined);
    }
  }
  const counterAt = async (index: number): Promise<number> => {
    await tpm2('nvread', ['-C', 'o', '-s', '8', '-o', 'counter', `0x${index.toString(16)}`]);
    return Number((await readFile(at('counter'))).readBigUInt64BE());
  };
  const primary = (): Promise<Buffer> =>
    tpm2('createprimary', ['-Q', '-C', 'o', '-g', 'sha256', '-G', 'ecc', '-c', 'primary']);

  /**
   * A key that signs nothing but what the TPM says. A primary key of the endorsement hierarchy is derived from the TPM's own
   * seed: the same one each time, so that whoever has seen it once knows this TPM again (as the initial attestation key of
   * TCG's TPM 2.0 Keys for Device Identity).
   */
  async function attestationKey(): Promise<string> {
    const attributes = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign';
    await tpm2('createprimary', [
      '-Q',
      '-C',
      'e',
      '-g',
      'sha256',
      '-G',
      'ecc256:ecdsa-sha256:null',
      '-a',
      attributes,
      '-c',
      'ak',
    ]);
    await tpm2('readpublic', ['-Q', '-c', 'ak', '-f', 'pem', '-o', 'ak.pem']);
    return readFile(at('ak.pem'), 'utf8');
  }

  /** By the attestation key, which is loaded. */
  async function certified(index: number, nonce: Uint8Array): Promise<CertifiedCounter> {
    const handle = `0x${index.toString(16)}`;
    // All of its eight bytes: without a size it would be their digest that is certified (part 3, TPM2_NV_Certify).
    const whole = ['--size', '8', '-q', hex(nonce), '--attestation', 'counter.message', '-o', 'counter.signature'];
    await tpm2('nvcertify', ['-Q', '-C', 'ak', '-c', 'o', '-g', 'sha256', '-s', 'ecdsa', ...whole, handle]);
    return {
      message: await readFile(at('counter.message')),
      signature: await readFile(at('counter.signature')),
      public: nvPublic(index, (await tpm2('nvreadpublic', [handle])).toString('latin1')),
    };
  }

  const tpm: Tpm = {
    attestationKey,
    async seal(secret) {
      await primary();
      await tpm2('createpolicy', ['-Q', '--policy-pcr', '-l', PCRS, '-L', 'policy']);
      const attributes = 'fixedtpm|fixedparent|adminwithpolicy|noda';
      const files = ['-i', '-', '-u', 'public', '-r', 'private'];
      await tpm2('create', ['-Q', '-C', 'primary', '-L', 'policy', '-a', attributes, ...files], secret);
      return { public: await readFile(at('public')), private: await readFile(at('private')) };
    },
    async unseal(sealed) {
      await writeFile(at('public'), sealed.public);
      await writeFile(at('private'), sealed.private);
      await primary();
      await tpm2('load', ['-Q', '-C', 'primary', '-u', 'public', '-r', 'private', '-c', 'sealed']);
      return new Uint8Array(await tpm2('unseal', ['-Q', '-c', 'sealed', '-p', `pcr:${PCRS}`]));
    },
    async defineCounter(index) {
      const attributes = 'nt=counter|ownerread|ownerwrite|authread|authwrite|no_da';
      await tpm2('nvdefine', ['-Q', '-C', 'o', '-a', attributes, `0x${index.toString(16)}`]);
      // A counter has no value before its first step, and begins above all that were there before (TPM 2.0 Library, part 1).
      return tpm.increment(index);
    },
    readCounter: counterAt,
    async increment(index) {
      await tpm2('nvincrement', ['-Q', '-C', 'o', `0x${index.toString(16)}`]);
      return counterAt(index);
    },
    async removeCounter(index) {
      await tpm2('nvundefine', ['-Q', '-C', 'o', `0x${index.toString(16)}`]);
    },
    async registers(numbers) {
      await tpm2('pcrread', ['-Q', '-o', 'values', `sha256:${numbers.join(',')}`]);
      const values = await readFile(at('values'));
      return numbers.map((_, index) => new Uint8Array(values.subarray(32 * index, 32 * index + 32)));
    },
    async quote(nonce, index) {
      const publicKey = await attestationKey();
      const files = ['-m', 'message', '-s', 'signature', '-o', 'pcrs'];
      await tpm2('quote', ['-Q', '-c', 'ak', '-l', PCRS, '-g', 'sha256', '-q', hex(nonce), ...files]);
      const [message, signature, pcrs] = await Promise.all(
        ['message', 'signature', 'pcrs'].map((name) => readFile(at(name))),
      );
      const counter = index === undefined ? undefined : await certified(index, nonce);
      const rest = counter === undefined ? {} : { counter };
      return { message: message!, signature: signature!, pcrs: pcrs!, publicKey, ...rest };
    },
  };
  try {
    await tpm2('pcrreset', [String(ENCLAVE_PCR)]);
    await tpm2('pcrextend', [`${ENCLAVE_PCR}:sha256=${hex(measured)}`]);
    return await work(tpm);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** TPMS_NV_PUBLIC of a counter (TPM 2.0 Library, part 2) with the attributes that tpm2_nvreadpublic shows. */
function nvPublic(index: number, shown: string): Uint8Array {
  const attributes = /attributes:\s+friendly: \S+\s+value: (0x[0-9A-F]+)/i.exec(shown)?.[1];
  if (attributes === undefined) fail('no-tpm', `tpm2_nvreadpublic does not show the index 0x${index.toString(16)}`);
  const bytes = Buffer.alloc(14);
  bytes.writeUInt32BE(index, 0);
  bytes.writeUInt16BE(0x000b, 4); // SHA-256
  bytes.writeUInt32BE(Number(attributes), 6);
  bytes.writeUInt16BE(0, 10); // no policy
  bytes.writeUInt16BE(8, 12);
  return bytes;
}
