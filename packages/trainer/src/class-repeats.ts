import { InvalidArgumentError } from "@acr/core";

/** Options of `classRepeats`. */
export interface ClassRepeatsOptions {
  /** In [0, 1]: 1 evens the classes out, 0 changes nothing. */
  strength: number;
  /** No face comes more often. */
  maximumRepeat: number;
}

/**
 * How often each face should be shown an epoch so that classes are evened out: a face of class c with n_c of N faces in C
 * classes comes (N / (C · n_c))^strength times, rounded, at least once, at most `maximumRepeat` times.
 *
 * @param classes - one a face, of any kind.
 * @throws {InvalidArgumentError} strength or maximumRepeat out of range.
 * @example classRepeats(["smile", "neutral", "neutral", "neutral"], { strength: 1, maximumRepeat: 4 }); // [2, 1, 1, 1]
 */
export function classRepeats(
  classes: readonly (string | number | boolean)[],
  { strength, maximumRepeat }: ClassRepeatsOptions,
): number[] {
  if (!(strength >= 0 && strength <= 1))
    throw new InvalidArgumentError(`classRepeats: strength must be in [0, 1]; got ${strength}.`);
  if (!(Number.isInteger(maximumRepeat) && maximumRepeat >= 1))
    throw new InvalidArgumentError(`classRepeats: maximumRepeat must be an integer >= 1; got ${maximumRepeat}.`);
  const counts = new Map<string | number | boolean, number>();
  for (const name of classes) counts.set(name, (counts.get(name) ?? 0) + 1);
  return classes.map((name) => {
    const wanted = (classes.length / (counts.size * counts.get(name)!)) ** strength;
    return Math.min(maximumRepeat, Math.max(1, Math.round(wanted)));
  });
}
