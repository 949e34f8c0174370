import type { FindingKind } from '@cloister/protocol';
import { randomFrom } from '../../../../protocol/src/testing/mutate.ts';
import { type AuditContext, type AuditResult, runAudit } from '../index.ts';
import { encodeUri } from '../stores/s3/sign.ts';
import { FAULTS, type Fault, type FaultProxy, SILENCE } from './fault-proxy.ts';

export interface Campaign {
  readonly audits: number;
  /** Random blocks of each. */
  readonly sample: number;
  readonly seed: number;
  /** Of all requests, so many are met by a fault. */
  readonly share: number;
  /** Every so many audits, silence is among the faults: it takes its time. */
  readonly silentEvery: number;
}

export interface CampaignResult {
  readonly audits: number;
  readonly blocks: number;
  /** Blocks that were not intact, by their verdicts, as they had to be. */
  readonly verdicts: Readonly<Record<string, number>>;
  /** What was not as it had to be; none is what is hoped for. */
  readonly mistakes: readonly string[];
}

/** Audits a store behind a faulty way again and again, and compares each block's verdict with what was done to it. */
export async function faultCampaign(
  context: AuditContext,
  audit: string,
  proxy: FaultProxy,
  /** How an object's URL begins. */
  base: string,
  blockBytes: number,
  { audits, sample, seed, share, silentEvery }: Campaign,
): Promise<CampaignResult> {
  const mistakes: string[] = [];
  const verdicts: Record<string, number> = {};
  let blocks = 0;
  for (let number = 0; number < audits; number += 1) {
    const faults = number % silentEvery === 0 ? [...FAULTS, SILENCE] : FAULTS;
    proxy.begin();
    // The same request meets the same fault, however often it is sent.
    proxy.choose = ({ url, from }): Fault | undefined => {
      const random = randomFrom(hash(`${seed} ${number} ${url} ${from}`));
      return random(1000) < share * 1000 ? faults[random(faults.length)] : undefined;
    };
    const result = await runAudit(context, audit, { sample, dueMax: 0 });
    proxy.choose = undefined;
    blocks += result.ofBlocks === 0 ? 0 : result.sampled;
    const [found, expected] = [findingsOf(result, base, blockBytes), proxy.expected()];
    for (const block of new Set([...found.keys(), ...expected.keys()])) {
      const [is, should] = [found.get(block) ?? 'intact', expected.get(block) ?? 'intact'];
      if (is === should) verdicts[is] = (verdicts[is] ?? 0) + 1;
      else mistakes.push(`audit ${number}, ${block}: ${is}, not ${should}`);
    }
  }
  return { audits, blocks, verdicts, mistakes };
}

/** Each block that is not intact, by `URL BLOCK`. */
function findingsOf({ wrong }: AuditResult, base: string, blockBytes: number): ReadonlyMap<string, FindingKind> {
  const found = new Map<string, FindingKind>();
  for (const { path, finding, offset, blocks } of wrong)
    for (let at = 0; at < blocks; at += 1)
      found.set(`${base}${encodeUri(path, true)} ${offset / blockBytes + at}`, finding);
  return found;
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
