/** What an image operation is doing. Counts are totals so far, not differences; `seconds` since the operation began. */
export type Progress =
  | {
      readonly kind: 'download';
      readonly bytes: number;
      readonly totalBytes: number;
      readonly packages: number;
      readonly totalPackages: number;
      readonly seconds: number;
    }
  | { readonly kind: 'step'; readonly text: string; readonly seconds: number };

export type ProgressSink = (progress: Progress) => void;
