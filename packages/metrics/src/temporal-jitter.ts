import { checkOptions, InvalidArgumentError, type LandmarkScheme, ShapeError } from "@acr/core";
import { mean } from "./internal/resample-means.js";
import { type Normalizer, normalizerSize } from "./normalizer-size.js";

/** Options of `temporalJitter`. */
export interface JitterOptions {
  /** Landmark scheme; needed for the eye distances. */
  scheme?: LandmarkScheme;
  /** Default `"inter-ocular"`. */
  normalizer?: Normalizer;
  /** True shapes of the same frames. Without them the head is taken to move evenly, and `jitterPercent` includes its motion. */
  targets?: readonly ArrayLike<number>[];
}

/** How restless the landmarks of a video are. */
export interface TemporalJitter {
  frameCount: number;
  /** Mean change of the error vector from one frame to the next, in percent of the normaliser. */
  jitterPercent: number;
  /** Mean second difference of the error vector: blind to any error that drifts evenly. */
  accelerationPercent: number;
  /** Mean change of each landmark's error vector. */
  perLandmarkPercent: number[];
}

/**
 * Temporal jitter of one face in consecutive frames. With eₜₖ = pₜₖ − gₜₖ (or pₜₖ where there is no truth):
 *
 *   jitter       = mean over t ≥ 1, k of ‖eₜ − eₜ₋₁‖ / dₜ
 *   acceleration = mean over 1 ≤ t < T − 1, k of ‖eₜ₊₁ − 2eₜ + eₜ₋₁‖ / dₜ
 *
 * A constant offset costs nothing in either: NME measures that. dₜ is the normaliser of frame t, from the truth where
 * there is one.
 *
 * @param predictions - flat shapes of consecutive frames, `pixel` frame.
 * @returns `accelerationPercent` is NaN for two frames, which have no second difference.
 * @throws {ShapeError} unequal counts or lengths.   @throws {InvalidArgumentError} fewer than 2 frames, a coordinate not finite, a normaliser of 0.
 * @see acceleration error: Kanazawa et al., CVPR 2019, arXiv:1812.01601. Deviations: divided by the normaliser.
 * @example temporalJitter(frames, { scheme: ibug68, targets }).jitterPercent; // 0.4
 */
export function temporalJitter(predictions: readonly ArrayLike<number>[], options: JitterOptions = {}): TemporalJitter {
  checkOptions("temporalJitter", options, ["scheme", "normalizer", "targets"]);
  const { scheme, normalizer, targets } = options;
  const frameCount = predictions.length;
  if (frameCount < 2)
    throw new InvalidArgumentError(`temporalJitter: predictions must hold at least 2 frames; got ${frameCount}.`);
  if (targets && targets.length !== frameCount)
    throw new ShapeError(`temporalJitter: targets must hold ${frameCount} frames; got ${targets.length}.`);
  const length = predictions[0]!.length;
  const residuals = predictions.map((shape, t) => {
    const target = targets?.[t];
    if (shape.length !== length || length === 0 || length % 2 !== 0 || (target && target.length !== length))
      throw new ShapeError(
        `temporalJitter: every frame must be a flat shape of ${length} numbers; got ${shape.length}${target ? ` and ${target.length}` : ""} at frame ${t}.`,
      );
    return Float64Array.from({ length }, (_, q) => {
      const value = shape[q]! - (target?.[q] ?? 0);
      if (!Number.isFinite(value))
        throw new InvalidArgumentError(
          `temporalJitter: frame ${t} must have finite coordinates; landmark ${q >> 1} has not.`,
        );
      return value;
    });
  });
  const sizes = predictions.map((shape, t) => normalizerSize(targets?.[t] ?? shape, { scheme, normalizer }));
  const at = (t: number, q: number) => residuals[t]![q]!;
  const perLandmark = Array.from({ length: length / 2 }, (_, k) => {
    let sum = 0;
    for (let t = 1; t < frameCount; t++)
      sum += Math.hypot(at(t, 2 * k) - at(t - 1, 2 * k), at(t, 2 * k + 1) - at(t - 1, 2 * k + 1)) / sizes[t]!;
    return sum / (frameCount - 1);
  });
  let bends = 0;
  const second = (t: number, q: number) => at(t + 1, q) - 2 * at(t, q) + at(t - 1, q);
  for (let t = 1; t + 1 < frameCount; t++)
    for (let k = 0; k < length / 2; k++) bends += Math.hypot(second(t, 2 * k), second(t, 2 * k + 1)) / sizes[t]!;
  return {
    frameCount,
    jitterPercent: 100 * mean(perLandmark),
    accelerationPercent: frameCount > 2 ? (100 * bends) / (frameCount - 2) / (length / 2) : Number.NaN,
    perLandmarkPercent: perLandmark.map((value) => 100 * value),
  };
}
