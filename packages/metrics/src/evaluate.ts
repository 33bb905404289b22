import { type Box, checkOptions, ShapeError } from "@acr/core";
import { type EvaluationOptions, type EvaluationResult, NmeAccumulator } from "./nme-accumulator.js";

/** Options of `evaluate`. */
export interface EvaluateOptions extends EvaluationOptions {
  /** K flags a face. Default: every landmark counts. */
  visible?: readonly ArrayLike<number | boolean>[];
  /** A box a face, for the box normalisers. */
  boxes?: readonly Box[];
}

const OPTIONS = [
  "scheme",
  "normalizer",
  "failureThreshold",
  "aucThreshold",
  "cedThresholds",
  "resamples",
  "seed",
  "visible",
  "boxes",
];

/**
 * The evaluation protocol of face alignment on a set of faces: NME, median, failure rate, AUC, CED, error of each
 * landmark and face, and a bootstrap interval of the mean.
 *
 * @param predictions - flat shapes, `pixel` frame of the source images.   @param targets - the same.
 * @throws {ShapeError} unequal counts or lengths.   @throws {InvalidArgumentError} no faces, eye distance 0, coordinates not finite.
 * @example evaluate(predictions, targets, { scheme: ibug68 }).nmePercent; // 4.1
 */
export function evaluate(
  predictions: readonly ArrayLike<number>[],
  targets: readonly ArrayLike<number>[],
  options: EvaluateOptions = {},
): EvaluationResult {
  checkOptions("evaluate", options, OPTIONS);
  const { visible, boxes } = options;
  for (const [name, list] of Object.entries({ predictions, visible, boxes })) {
    if (list && list.length !== targets.length)
      throw new ShapeError(
        `evaluate: ${name} must have one entry for each of ${targets.length} targets; got ${list.length}.`,
      );
  }
  const accumulator = new NmeAccumulator(options);
  targets.forEach((target, i) => {
    accumulator.add(predictions[i]!, target, { visible: visible?.[i], box: boxes?.[i] });
  });
  return accumulator.result();
}
