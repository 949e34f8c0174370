import { webPrimitives } from '@cloister/crypto/web';
import type { Verified } from '@cloister/evidence';
import { type ProofsVerdict, verifyProofs } from '@cloister/pdp';
import { element } from './audit-section.ts';
import type { ReportData } from './report-data.ts';

type Proofs = ReportData['audits'][number]['proofs'];

/** What comes of the proofs of an audit: where it stands, and what makes it stand there. */
export function proofsOf(
  receipt: Verified | undefined,
  proofs: Proofs,
): { readonly proofs: HTMLElement; verify(): Promise<boolean> } {
  const shown = element('span', { class: 'proofs' });
  const said = (text: string, tone = ''): void => {
    shown.textContent = text;
    shown.className = `proofs ${tone}`;
  };
  const nothing = { proofs: shown, verify: async () => true };
  if (receipt?.ok !== true) return nothing;
  const { audit } = receipt.claims;
  if (audit.schemeKey.length === 0) {
    said('made and verified under keys that the enclave alone has: nobody else can verify them again');
    return nothing;
  }
  if (proofs === null || proofs === 'too long') {
    said(
      proofs === null ? 'not in this page' : 'too long for this page: "cloister verify --proofs" verifies them again',
      'warn',
    );
    return nothing;
  }
  said('being verified again …');
  return {
    proofs: shown,
    async verify() {
      const [list, publicKey] = [proofs.list, proofs.publicKey].map((text) =>
        Uint8Array.from(atob(text), (char) => char.charCodeAt(0)),
      );
      const verdict = await verifyProofs(webPrimitives, audit, list!, publicKey!).catch(
        (error: unknown): ProofsVerdict => ({ ok: false, flaw: `this browser could not: ${String(error)}` }),
      );
      said(lineOf(verdict), verdict.ok ? 'good' : 'bad');
      return verdict.ok;
    },
  };
}

function lineOf(verdict: ProofsVerdict): string {
  if (!verdict.ok) return `do not verify: ${verdict.flaw}`;
  const others = verdict.failed + verdict.lost;
  const rest = others === 0 ? '' : `; ${others} failed or were not given, as the receipt says`;
  return `${verdict.proofs} verified again just now, in this browser, with the public key${rest}. That nobody could foresee what was asked is the signer's word.`;
}
