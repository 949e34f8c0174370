/** What the attack told its program, in place of its honest counterpart's knowledge. */
export const plan = (globalThis as unknown as { plan: Readonly<Record<string, string>> }).plan;
