import { createRandom, InvalidArgumentError } from "@acr/core";

/** A mean of more values than this hardly moves: the interval of fewer draws is narrowed to its width instead. */
const MOST_DRAWS = 5000;

/** Options of every bootstrap. */
export interface ResampleOptions {
  /** Resamples, an integer >= 1. */
  resamples: number;
  seed: number | string;
}

/**
 * Means of resamples of several columns, the rows drawn with replacement and together: rising values for each column.
 * Beyond `MOST_DRAWS` rows each resample has that many, and its distance from the mean is scaled by √(draws / rows), so
 * that the variance is that of a full resample.
 */
export function resampleMeans(
  functionName: string,
  columns: readonly ArrayLike<number>[],
  { resamples, seed }: ResampleOptions,
): Float64Array[] {
  if (!Number.isInteger(resamples) || resamples < 1)
    throw new InvalidArgumentError(`${functionName}: resamples must be an integer >= 1; got ${resamples}.`);
  const random = createRandom(seed).fork("bootstrap");
  const rows = columns[0]!.length;
  const draws = Math.min(rows, MOST_DRAWS);
  const shrink = Math.sqrt(draws / rows);
  const centers = columns.map(mean);
  const means = columns.map(() => new Float64Array(resamples));
  const picked = new Uint32Array(draws);
  for (let r = 0; r < resamples; r++) {
    for (let i = 0; i < draws; i++) picked[i] = random.uniform() * rows;
    for (let c = 0; c < columns.length; c++) {
      const column = columns[c]!;
      let sum = 0;
      for (let i = 0; i < draws; i++) sum += column[picked[i]!]!;
      means[c]![r] = centers[c]! + (sum / draws - centers[c]!) * shrink;
    }
  }
  for (const column of means) column.sort();
  return means;
}

/** Arithmetic mean. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/** Refuses a confidence level outside (0, 1). */
export function checkLevel(functionName: string, level: number): void {
  if (!(level > 0 && level < 1))
    throw new InvalidArgumentError(`${functionName}: level must be between 0 and 1, e.g. 0.95; got ${level}.`);
}
