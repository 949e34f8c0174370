import { COMPARTMENT_KINDS, type CompartmentKind } from '../../packages/host/launcher/src/sandbox/compartment-kind.ts';
import type { Level } from '../../packages/host/launcher/src/sandbox/sandbox.ts';
import type { Attack, Outcome } from '../attack.ts';
import { type Judged, PROBE_SOURCE } from './probe-kind.ts';
import { RAW_PROBES, type RawProbe } from './raw-probes.ts';
import { distinctPlaces, type Place, type ProbeSettings, runRawProbe, runScriptProbe } from './run-probe.ts';
import { SCRIPT_PROBES, type ScriptProbe, type ScriptProbeName } from './script-probes.ts';

/**
 * Every probe, from each kind of compartment, at each of the levels; `quick`: of kinds that the same sandbox holds at a
 * level, from one. Its control runs once for all of them.
 */
export function probes(
  levels: readonly Level[],
  settings: ProbeSettings,
  { quick }: { readonly quick: boolean },
): Attack[] {
  const all = levels.flatMap((level) => COMPARTMENT_KINDS.map((kind) => ({ level, kind })));
  const places = quick ? distinctPlaces(all, settings) : all;
  return [
    ...Object.entries<ScriptProbe>(SCRIPT_PROBES).flatMap(([name, probe]) =>
      everywhere(places, name, probe, (place) => runScriptProbe(name as ScriptProbeName, probe, place, settings)),
    ),
    ...Object.entries<RawProbe>(RAW_PROBES).flatMap(([name, probe]) =>
      everywhere(places, name, probe, (place) => runRawProbe(probe, place, settings)),
    ),
    ...COMPARTMENT_KINDS.map((kind) => timing(kind)),
  ];
}

function everywhere(
  places: readonly Exclude<Place, 'control'>[],
  attack: string,
  { source = PROBE_SOURCE, notHere }: Judged,
  run: (place: Place) => Promise<Outcome>,
): Attack[] {
  let controlled: Promise<Outcome> | undefined;
  return places.map(({ level, kind }): Attack => {
    const notApplicable = notHere?.(kind);
    return {
      ...{ attack, from: kind, target: 'host', source, level },
      ...(notApplicable === undefined ? {} : { notApplicable }),
      run: () => run({ level, kind }),
      control: () => (controlled ??= run('control')),
    };
  });
}

/** No sandbox hides how long another process takes. */
function timing(kind: CompartmentKind): Attack {
  const never = async (): Promise<Outcome> => {
    throw new Error('Timing is not tried');
  };
  return {
    ...{ attack: 'time-other-exits', from: kind, target: 'another VM', source: PROBE_SOURCE },
    notApplicable: 'timing of another VM is not contained at any level, and SECURITY.md says so',
    ...{ run: never, control: never },
  };
}
