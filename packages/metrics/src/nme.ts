import { type Box, checkOptions, InvalidArgumentError, type LandmarkScheme, ShapeError } from "@acr/core";
import { type CountedLandmarks, checkCounted, isCounted } from "./internal/counted.js";
import { type Normalizer, normalizerSize } from "./normalizer-size.js";

/** Options of `normalizedErrors`. */
export interface NormalizedErrorsOptions {
  /** Landmark scheme; needed for the eye distances. */
  scheme?: LandmarkScheme;
  /** Default `"inter-ocular"`. */
  normalizer?: Normalizer;
  /** Face box for the box normalisers. Default: the tight box of the target. */
  box?: Box;
}

/** Options of `nme`. */
export interface NmeOptions extends NormalizedErrorsOptions {
  /** K flags, true for a visible landmark. Default: none, and every landmark counts. */
  visible?: ArrayLike<number | boolean>;
  /** Which landmarks count, given `visible`. Default `"visible"`. */
  counted?: CountedLandmarks;
}

/**
 * Error of each landmark divided by the normaliser: ‖pₖ − tₖ‖ / d, K fractions.
 *
 * @param prediction - flat `[x0, y0, …]`, `pixel` frame of the source image.   @param target - the same.
 * @throws {ShapeError} lengths differ or are odd.   @throws {InvalidArgumentError} a coordinate is not finite.
 * @example normalizedErrors(prediction, target, { scheme: ibug68 });
 */
export function normalizedErrors(
  prediction: ArrayLike<number>,
  target: ArrayLike<number>,
  options: NormalizedErrorsOptions = {},
): Float64Array {
  checkOptions("normalizedErrors", options, ["scheme", "normalizer", "box"]);
  checkPair(prediction, target);
  const size = normalizerSize(target, options);
  const errors = new Float64Array(target.length / 2);
  for (let k = 0; k < errors.length; k++) {
    errors[k] = landmarkError(prediction, target, k) / size;
    if (!Number.isFinite(errors[k]!)) refuseNonFinite(k);
  }
  return errors;
}

/**
 * Normalised mean error of one face, as a fraction: mean over the counted landmarks of ‖pₖ − tₖ‖ / d.
 *
 * Edges: the normaliser uses all true landmarks, visible or not; landmarks that do not count may be NaN.
 *
 * @param prediction - flat `[x0, y0, …]`, `pixel` frame of the source image.   @param target - the same.
 * @returns a fraction; NaN when no landmark counts.
 * @throws {ShapeError} lengths differ.
 * @throws {InvalidArgumentError} the normaliser is 0, a counted coordinate is not finite, an option is unknown.
 * @see Sagonas et al., 300 Faces In-The-Wild, 2016. Deviations: none.
 * @example nme(prediction, target, { scheme: ibug68 }); // 0.034
 */
export function nme(prediction: ArrayLike<number>, target: ArrayLike<number>, options: NmeOptions = {}): number {
  checkOptions("nme", options, ["scheme", "normalizer", "visible", "counted", "box"]);
  const { visible, counted = "visible" } = options;
  checkCounted("nme", counted);
  checkPair(prediction, target);
  const landmarkCount = target.length / 2;
  if (visible && visible.length !== landmarkCount)
    throw new ShapeError(`nme: visible must have ${landmarkCount} flags; got ${visible.length}.`);
  const size = normalizerSize(target, options);
  let sum = 0;
  let count = 0;
  for (let k = 0; k < landmarkCount; k++) {
    if (!isCounted(visible, counted, k)) continue;
    const error = landmarkError(prediction, target, k) / size;
    if (!Number.isFinite(error)) refuseNonFinite(k);
    sum += error;
    count++;
  }
  return count > 0 ? sum / count : Number.NaN;
}

function checkPair(prediction: ArrayLike<number>, target: ArrayLike<number>): void {
  if (prediction?.length !== target?.length || !(target?.length > 0) || target.length % 2 !== 0) {
    throw new ShapeError(
      `nme: prediction and target must be flat shapes of one length 2K; got ${prediction?.length} and ${target?.length}.`,
    );
  }
}

function landmarkError(prediction: ArrayLike<number>, target: ArrayLike<number>, k: number): number {
  const dx = prediction[2 * k]! - target[2 * k]!;
  const dy = prediction[2 * k + 1]! - target[2 * k + 1]!;
  return Math.sqrt(dx * dx + dy * dy);
}

function refuseNonFinite(k: number): never {
  throw new InvalidArgumentError(`nme: landmark ${k} must have finite coordinates in prediction and target.`);
}
