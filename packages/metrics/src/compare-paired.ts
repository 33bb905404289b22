import { checkOptions, createRandom, InvalidArgumentError, type Random, ShapeError } from "@acr/core";
import { quantile } from "./internal/quantile.js";
import { checkLevel, mean, resampleMeans } from "./internal/resample-means.js";

/** Options of `comparePaired`. */
export interface ComparePairedOptions {
  /** Share of resamples between the bounds, in (0, 1). Default 0.95. */
  level?: number;
  /** Resamples of the interval, an integer >= 1. Default 1000. */
  resamples?: number;
  /** Sign flips of the test where there are too many to try all, an integer >= 1. Default 10000. */
  permutations?: number;
  /** The same seed gives the same figures. Default 0. */
  seed?: number | string;
}

/** The difference between two models on the same faces, in the unit of the errors. */
export interface PairedComparison {
  /** Faces that both models have an error for. */
  count: number;
  /** Mean of first − second: negative when the first model errs less. */
  difference: number;
  low: number;
  high: number;
  level: number;
  /** Two-sided: how often a difference at least this large arises when the models' names are swapped at random. */
  pValue: number;
  /** All sign flips, a random sample of them, or the normal law they tend to. */
  method: "exact" | "monte-carlo" | "normal";
  /** Shares of faces on which the first model errs less, and on which both err alike. */
  firstBetter: number;
  equal: number;
}

/** 2¹⁶ sign flips are quick to try. */
const EXACT_UP_TO = 16;
/** From here on the law of the sum of flipped differences is normal for every practical purpose. */
const NORMAL_FROM = 5000;

/**
 * Compares two models face by face: mean difference of their errors, its bootstrap interval and the p-value of a
 * sign-flip permutation test. Pairing removes what is hard about a face for both, so it finds far smaller differences
 * than two separate intervals do.
 *
 *   dᵢ = firstᵢ − secondᵢ,   p = P(|Σ ±dᵢ| ≥ |Σ dᵢ|) with every sign equally likely
 *
 * Edges: faces without an error (NaN) in both are left out; equal models give p = 1. Up to 16 faces all flips are tried,
 * up to 5000 a sample is drawn and p = (1 + hits) / (1 + draws), beyond that the normal limit with variance Σ dᵢ² is used.
 * The test speaks of these faces for these two trained models; it knows nothing of another training seed.
 *
 * @param first - NME of each face, model one.   @param second - the same faces, model two.
 * @throws {ShapeError} unequal counts.
 * @throws {InvalidArgumentError} no pair, a face that only one model has an error for, an infinite error, an option out of range.
 * @see Pitman, Significance tests which may be applied to samples from any populations, 1937; Good, Permutation Tests, 2000. Deviations: none.
 * @example comparePaired(acrErrors, l2Errors).pValue; // 0.0001
 */
export function comparePaired(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  options: ComparePairedOptions = {},
): PairedComparison {
  checkOptions("comparePaired", options, ["level", "resamples", "permutations", "seed"]);
  const { level = 0.95, resamples = 1000, permutations = 10_000, seed = 0 } = options;
  checkLevel("comparePaired", level);
  if (!Number.isInteger(permutations) || permutations < 1)
    throw new InvalidArgumentError(`comparePaired: permutations must be an integer >= 1; got ${permutations}.`);
  const differences = pairedDifferences(first, second);
  const bounds = resampleMeans("comparePaired", [differences], { resamples, seed })[0]!;
  let better = 0;
  let equal = 0;
  for (const difference of differences) {
    if (difference < 0) better++;
    else if (difference === 0) equal++;
  }
  return {
    count: differences.length,
    difference: mean(differences),
    low: quantile(bounds, (1 - level) / 2),
    high: quantile(bounds, (1 + level) / 2),
    level,
    ...signFlipTest(differences, permutations, createRandom(seed).fork("sign-flip")),
    firstBetter: better / differences.length,
    equal: equal / differences.length,
  };
}

function pairedDifferences(first: ArrayLike<number>, second: ArrayLike<number>): Float64Array {
  if (first.length !== second.length) {
    throw new ShapeError(
      `comparePaired: first and second must hold the same faces; got ${first.length} and ${second.length}.`,
    );
  }
  const differences: number[] = [];
  for (let i = 0; i < first.length; i++) {
    const [a, b] = [first[i]!, second[i]!];
    if (Number.isNaN(a) && Number.isNaN(b)) continue;
    if (!Number.isFinite(a) || !Number.isFinite(b))
      throw new InvalidArgumentError(
        `comparePaired: face ${i} must have a finite error in both, or none in both; got ${a} and ${b}.`,
      );
    differences.push(a - b);
  }
  if (differences.length === 0)
    throw new InvalidArgumentError("comparePaired: there must be at least one face with an error; got none.");
  return Float64Array.from(differences);
}

function signFlipTest(
  differences: Float64Array,
  permutations: number,
  random: Random,
): Pick<PairedComparison, "pValue" | "method"> {
  let sum = 0;
  let size = 0;
  let squares = 0;
  for (const d of differences) {
    sum += d;
    size += Math.abs(d);
    squares += d * d;
  }
  if (squares === 0) return { pValue: 1, method: differences.length <= EXACT_UP_TO ? "exact" : "monte-carlo" };
  // Sums of the same numbers in another order differ by rounding; such a tie counts as at least as large.
  const limit = Math.abs(sum) - 1e-12 * size;
  const count = differences.length;
  if (count <= EXACT_UP_TO) {
    let hits = 0;
    for (let signs = 0; signs < 2 ** count; signs++) {
      let flipped = 0;
      for (let i = 0; i < count; i++) flipped += (signs >> i) & 1 ? differences[i]! : -differences[i]!;
      if (Math.abs(flipped) >= limit) hits++;
    }
    return { pValue: hits / 2 ** count, method: "exact" };
  }
  if (count > NORMAL_FROM)
    return { pValue: complementaryError(Math.abs(sum) / Math.sqrt(2 * squares)), method: "normal" };
  let hits = 0;
  for (let p = 0; p < permutations; p++) {
    let flipped = 0;
    let bits = 0;
    for (let i = 0; i < count; i++) {
      if (i % 32 === 0) bits = random.uniform() * 2 ** 32;
      flipped += bits & 1 ? differences[i]! : -differences[i]!;
      bits >>>= 1;
    }
    if (Math.abs(flipped) >= limit) hits++;
  }
  return { pValue: (1 + hits) / (1 + permutations), method: "monte-carlo" };
}

/** erfc(x) for x ≥ 0: its Taylor series below 2, its continued fraction above (Abramowitz and Stegun 7.1.5, 7.1.14). */
function complementaryError(x: number): number {
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum) && n < 200; n++) {
      term *= -(x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}
