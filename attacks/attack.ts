import type { Edit } from '../tools/mutant.ts';

/** What came of an attack: had it its effect, seen from outside the attacker? */
export interface Outcome {
  readonly effect: boolean;
  /** What happened, for a reader: "SIGSYS", "errno 2", what the attacker said. */
  readonly how: string;
  /** Of a control: what it found missing on this host, so that there is nothing to attack. */
  readonly absent?: string;
}

/** One hostile program in the place of an honest one, and what it may not reach. */
export interface Attack {
  readonly attack: string;
  /** The compartment whose place it takes. */
  readonly from: string;
  /** Whose it must not reach. */
  readonly target: string;
  /** The clause, CVE or paper that it stands for. */
  readonly source: string;
  /** The check that the control goes without, in words. */
  readonly check?: string;
  /** What that is in the source; none where the control differs in how it is started. */
  readonly edits?: readonly Edit[];
  /** The sandbox level that it ran at, where that matters. Only what `full` lets through is a failure. */
  readonly level?: string;
  /** Why it cannot be tried on this machine at all. */
  readonly notApplicable?: string;
  /** With every check on. */
  run(): Promise<Outcome>;
  /** The same program with the named check off, judged by the same oracle. */
  control(): Promise<Outcome>;
}

/** A line of `npm run attacks -- --json`. */
export interface AttackResult {
  readonly attack: string;
  readonly from: string;
  readonly target: string;
  /** `null` where it was not tried. */
  readonly contained: boolean | null;
  readonly control: boolean | null;
  readonly source: string;
  readonly check?: string;
  readonly level?: string;
  readonly how: string;
}

/** Runs attack and control. A control that fails shows nothing: then neither does the attack's failure. */
export async function tried(one: Attack): Promise<AttackResult> {
  const { attack, from, target, source, check, level, notApplicable } = one;
  const named = {
    ...{ attack, from, target, source },
    ...(check === undefined ? {} : { check }),
    ...(level === undefined ? {} : { level }),
  };
  const untried = (why: string): AttackResult => ({
    ...named,
    contained: null,
    control: null,
    how: `not applicable here: ${why}`,
  });
  if (notApplicable !== undefined) return untried(notApplicable);
  const control = await one.control();
  if (control.absent !== undefined) return untried(control.absent);
  const { effect, how } = await one.run();
  return {
    ...named,
    contained: !effect,
    control: control.effect,
    how: control.effect ? how : `${how}; control: ${control.how}`,
  };
}
