import { type Box, checkOptions, ShapeError } from "@acr/core";
import { evaluateSubsets, type SubsetSummary, type Subsets } from "./evaluate-subsets.js";
import {
  EVALUATION_OPTIONS,
  type EvaluationOptions,
  type EvaluationResult,
  NmeAccumulator,
} from "./nme-accumulator.js";
import { SUMMARY_OPTIONS } from "./summarize-errors.js";

/** Options of `evaluate`. */
export interface EvaluateOptions extends EvaluationOptions {
  /** K flags a face. Default: every landmark counts. */
  visible?: readonly (ArrayLike<number | boolean> | undefined)[];
  /** A box a face, for the box normalisers. */
  boxes?: readonly Box[];
  /** Flags of the faces of each named subset; adds `subsets` to the result. */
  subsets?: Subsets;
}

const OPTIONS = [...EVALUATION_OPTIONS, "visible", "boxes", "subsets"];

/**
 * The evaluation protocol of face alignment on a set of faces: NME, median, failure rate, AUC, CED, error of each
 * landmark, group and face, and bootstrap intervals.
 *
 * @param predictions - flat shapes, `pixel` frame of the source images.   @param targets - the same.
 * @throws {ShapeError} unequal counts or lengths.   @throws {InvalidArgumentError} no faces, eye distance 0, coordinates not finite.
 * @example evaluate(predictions, targets, { scheme: ibug68 }).nmePercent; // 4.1
 */
export function evaluate(
  predictions: readonly ArrayLike<number>[],
  targets: readonly ArrayLike<number>[],
  options: EvaluateOptions = {},
): EvaluationResult & { subsets?: Record<string, SubsetSummary> } {
  checkOptions("evaluate", options, OPTIONS);
  const { visible, boxes, subsets, ...rest } = options;
  for (const [name, list] of Object.entries({ predictions, visible, boxes })) {
    if (list && list.length !== targets.length)
      throw new ShapeError(
        `evaluate: ${name} must have one entry for each of ${targets.length} targets; got ${list.length}.`,
      );
  }
  const accumulator = new NmeAccumulator(rest);
  for (let i = 0; i < targets.length; i++)
    accumulator.add(predictions[i]!, targets[i]!, { visible: visible?.[i], box: boxes?.[i] });
  const result = accumulator.result();
  if (subsets === undefined) return result;
  const summaryOptions = Object.fromEntries(Object.entries(rest).filter(([name]) => SUMMARY_OPTIONS.includes(name)));
  return { ...result, subsets: evaluateSubsets(accumulator.errors(), subsets, summaryOptions) };
}
