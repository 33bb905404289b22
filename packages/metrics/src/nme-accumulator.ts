import { type Box, createRandom, InvalidArgumentError, type LandmarkScheme, ShapeError } from "@acr/core";
import { auc } from "./auc.js";
import { type CedCurve, cedCurve } from "./ced-curve.js";
import { failureRate } from "./failure-rate.js";
import { normalizedErrors } from "./nme.js";
import type { Normalizer } from "./normalizer-size.js";

/** Options of an evaluation. */
export interface EvaluationOptions {
  scheme?: LandmarkScheme;
  /** Default `"inter-ocular"`. */
  normalizer?: Normalizer;
  /** NME above which a face counts as failed, a fraction. Default 0.1. */
  failureThreshold?: number;
  /** Upper end of the AUC, a fraction. Default 0.1. */
  aucThreshold?: number;
  /** Thresholds of the CED, fractions. Default 0, 0.005, …, 0.1. */
  cedThresholds?: readonly number[];
  /** Resamples of the bootstrap interval; 0 for none. Default 1000. */
  resamples?: number;
  /** Seed of the bootstrap. Default 0. */
  seed?: number;
}

/** What an evaluation reports. Faces without a counted landmark are left out of everything but `perFacePercent`. */
export interface EvaluationResult {
  /** Faces that count. */
  count: number;
  nmePercent: number;
  medianPercent: number;
  failureRatePercent: number;
  /** In [0, 1]. */
  auc: number;
  ced: CedCurve;
  /** Mean error of each landmark in percent of the normaliser; NaN where it never counts. */
  perLandmarkPercent: number[];
  /** NME of each face in percent, in order; NaN without a counted landmark. */
  perFacePercent: number[];
  /** 95 % bootstrap interval of the mean NME, in percent. */
  confidence?: { level: number; lowPercent: number; highPercent: number };
}

/** One face to add. */
export interface FaceToAdd {
  visible?: ArrayLike<number | boolean>;
  box?: Box;
}

const CONFIDENCE_LEVEL = 0.95;

/**
 * Collects faces one by one, or in parts that are merged, and gives what `evaluate` gives.
 *
 * @example
 * const accumulator = new NmeAccumulator({ scheme: ibug68 });
 * accumulator.add(prediction, target);
 * accumulator.result().nmePercent;
 */
export class NmeAccumulator {
  private readonly perFace: number[] = [];
  private landmarkSums = new Float64Array(0);
  private landmarkCounts = new Float64Array(0);

  constructor(private readonly options: EvaluationOptions = {}) {}

  /** @throws {ShapeError | InvalidArgumentError} as `nme`; the message names the face. */
  add(prediction: ArrayLike<number>, target: ArrayLike<number>, { visible, box }: FaceToAdd = {}): void {
    const { scheme, normalizer } = this.options;
    const errors = normalizedErrors(prediction, target, { scheme, normalizer, box });
    if (visible && visible.length !== errors.length)
      throw new ShapeError(`evaluate: visible must have ${errors.length} flags; got ${visible.length}.`);
    if (this.landmarkSums.length === 0) {
      this.landmarkSums = new Float64Array(errors.length);
      this.landmarkCounts = new Float64Array(errors.length);
    }
    if (errors.length !== this.landmarkSums.length)
      throw new ShapeError(
        `evaluate: all faces must have ${this.landmarkSums.length} landmarks; got ${errors.length}.`,
      );
    let sum = 0;
    let count = 0;
    for (let k = 0; k < errors.length; k++) {
      if (visible && !visible[k]) continue;
      sum += errors[k]!;
      count++;
      this.landmarkSums[k]! += errors[k]!;
      this.landmarkCounts[k]!++;
    }
    this.perFace.push(count > 0 ? sum / count : Number.NaN);
  }

  /** Appends the faces of another accumulator, as if they had been added here. */
  merge(other: NmeAccumulator): void {
    if (other.perFace.length === 0) return;
    if (this.perFace.length === 0) {
      this.landmarkSums = new Float64Array(other.landmarkSums.length);
      this.landmarkCounts = new Float64Array(other.landmarkCounts.length);
    }
    if (this.landmarkSums.length !== other.landmarkSums.length)
      throw new ShapeError("NmeAccumulator.merge: both must count the same landmarks.");
    for (const face of other.perFace) this.perFace.push(face);
    other.landmarkSums.forEach((sum, k) => {
      this.landmarkSums[k]! += sum;
      this.landmarkCounts[k]! += other.landmarkCounts[k]!;
    });
  }

  /** @throws {InvalidArgumentError} no face with a counted landmark was added. */
  result(): EvaluationResult {
    const { failureThreshold, aucThreshold, cedThresholds, resamples = 1000, seed = 0 } = this.options;
    const errors = Float64Array.from(this.perFace.filter((error) => !Number.isNaN(error)));
    if (errors.length === 0)
      throw new InvalidArgumentError("evaluate: there must be at least one face with a counted landmark; got none.");
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
    return {
      count: errors.length,
      nmePercent: 100 * mean,
      medianPercent: 100 * median(errors),
      failureRatePercent: 100 * failureRate(errors, { threshold: failureThreshold }),
      auc: auc(errors, { threshold: aucThreshold }),
      ced: cedCurve(errors, { thresholds: cedThresholds }),
      perLandmarkPercent: Array.from(this.landmarkSums, (sum, k) => (100 * sum) / this.landmarkCounts[k]!),
      perFacePercent: this.perFace.map((error) => 100 * error),
      ...(resamples > 0 && { confidence: bootstrap(errors, resamples, seed) }),
    };
  }
}

function median(values: Float64Array): number {
  const sorted = values.slice().sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Percentile bootstrap of the mean (Efron and Tibshirani 1993), faces drawn with replacement. */
function bootstrap(errors: Float64Array, resamples: number, seed: number) {
  const random = createRandom(seed).fork("bootstrap");
  const means = new Float64Array(resamples);
  // A mean of 100,000 faces hardly moves; beyond this many draws the interval is scaled instead.
  const draws = Math.min(errors.length, 5000);
  const center = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  for (let r = 0; r < resamples; r++) {
    let sum = 0;
    for (let i = 0; i < draws; i++) sum += errors[Math.floor(random.uniform() * errors.length)]!;
    means[r] = center + (sum / draws - center) * Math.sqrt(draws / errors.length);
  }
  means.sort();
  const at = (fraction: number) => 100 * means[Math.min(resamples - 1, Math.floor(fraction * resamples))]!;
  return {
    level: CONFIDENCE_LEVEL,
    lowPercent: at((1 - CONFIDENCE_LEVEL) / 2),
    highPercent: at((1 + CONFIDENCE_LEVEL) / 2),
  };
}
