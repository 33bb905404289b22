import { type Box, checkOptions, InvalidArgumentError, type LandmarkScheme, ShapeError } from "@acr/core";
import { type Normalizer, normalizerSize } from "./normalizer-size.js";

/** Options of `nme`. */
export interface NmeOptions {
  /** Landmark scheme; needed for the eye distances. */
  scheme?: LandmarkScheme;
  /** Default `"inter-ocular"`. */
  normalizer?: Normalizer;
  /** K flags; only landmarks with a true one count. Default: all. */
  visible?: ArrayLike<number | boolean>;
  /** Face box for the box normalisers. Default: the tight box of the target. */
  box?: Box;
}

/**
 * Error of each landmark divided by the normaliser: ‖pₖ − tₖ‖ / d, K fractions.
 *
 * @throws {ShapeError} lengths differ or are odd.   @throws {InvalidArgumentError} a coordinate is not finite.
 * @example normalizedErrors(prediction, target, { scheme: ibug68 });
 */
export function normalizedErrors(
  prediction: ArrayLike<number>,
  target: ArrayLike<number>,
  options: Omit<NmeOptions, "visible">,
): Float64Array {
  if (prediction.length !== target.length || target.length === 0 || target.length % 2 !== 0) {
    throw new ShapeError(
      `nme: prediction and target must be flat shapes of one length 2K; got ${prediction.length} and ${target.length}.`,
    );
  }
  const size = normalizerSize(target, options);
  const errors = new Float64Array(target.length / 2);
  for (let k = 0; k < errors.length; k++) {
    const dx = prediction[2 * k]! - target[2 * k]!;
    const dy = prediction[2 * k + 1]! - target[2 * k + 1]!;
    errors[k] = Math.sqrt(dx * dx + dy * dy) / size;
    if (!Number.isFinite(errors[k]!))
      throw new InvalidArgumentError(`nme: landmark ${k} must have finite coordinates in prediction and target.`);
  }
  return errors;
}

/**
 * Normalised mean error of one face, as a fraction: mean over the counted landmarks of ‖pₖ − tₖ‖ / d.
 *
 * @param prediction - flat `[x0, y0, …]`, `pixel` frame of the source image.   @param target - the same.
 * @returns a fraction; NaN when `visible` counts no landmark.
 * @throws {ShapeError} lengths differ.   @throws {InvalidArgumentError} the normaliser is 0, a coordinate is not finite, an option is unknown.
 * @see Sagonas et al., 300 Faces In-The-Wild, 2016. Deviations: none.
 * @example nme(prediction, target, { scheme: ibug68 }); // 0.034
 */
export function nme(prediction: ArrayLike<number>, target: ArrayLike<number>, options: NmeOptions = {}): number {
  checkOptions("nme", options, ["scheme", "normalizer", "visible", "box"]);
  const { visible } = options;
  const errors = normalizedErrors(prediction, target, options);
  if (visible && visible.length !== errors.length) {
    throw new ShapeError(`nme: visible must have ${errors.length} flags; got ${visible.length}.`);
  }
  let sum = 0;
  let count = 0;
  for (let k = 0; k < errors.length; k++) {
    if (visible && !visible[k]) continue;
    sum += errors[k]!;
    count++;
  }
  return count > 0 ? sum / count : Number.NaN;
}
