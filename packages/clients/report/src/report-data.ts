/** What the page is given: receipts as they were kept, to be believed only once they are verified. */
export interface ReportData {
  readonly schema: 1;
  /** When it was made, in milliseconds since 1970. */
  readonly made: number;
  readonly audits: readonly {
    readonly name: string;
    /** Of the key that the owner noted; null where nobody did. */
    readonly fingerprint: string | null;
    /** In base64, the oldest first. */
    readonly receipts: readonly string[];
    /** Of the newest, where anybody verifies: its proofs and the public key, in base64; null where it has none. */
    readonly proofs: ReportProofs | 'too long' | null;
  }[];
}

export interface ReportProofs {
  readonly list: string;
  readonly publicKey: string;
}

/** Where the data goes in the page that the build makes. */
const PLACE = '__REPORT_DATA__';

/** The page with its data. Nothing in the data can end the element that it stands in. */
export function fillPage(page: string, data: ReportData): string {
  const json = JSON.stringify(data).replaceAll('<', '\\u003c');
  const [before, after] = page.split(PLACE);
  if (after === undefined) throw new Error('The page has no place for its data: run npm run build');
  return before + json + after;
}
