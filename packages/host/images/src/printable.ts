/** What a guest or a builder wrote, safe for a terminal. */
export function printable(text: string, length = 120): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, length);
}
