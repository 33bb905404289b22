import { checkOptions, ShapeError } from "@acr/core";
import { type ErrorSummary, SUMMARY_OPTIONS, type SummaryOptions, summarizeErrors } from "./summarize-errors.js";

/** Names of subsets with one flag a face; a face may belong to several or none. */
export type Subsets = Readonly<Record<string, ArrayLike<number | boolean>>>;

/** The figures of a subset, without its curve. */
export type SubsetSummary = Omit<ErrorSummary, "ced">;

/**
 * The protocol's figures on named subsets of the faces, e.g. the attributes of WFLW or poses.
 *
 * Edges: a subset without a face that counts has `count` 0 and NaN for every figure, so that tables keep their rows.
 *
 * @param errors - NME of each face, as fractions; NaN and Infinity as in `summarizeErrors`.
 * @param subsets - flags of each face by name; see `subsetsByTag`.
 * @throws {ShapeError} a subset has not one flag a face.   @throws {InvalidArgumentError} as `summarizeErrors`.
 * @example evaluateSubsets(errors, { blur: flags }).blur.nmePercent;
 */
export function evaluateSubsets(
  errors: ArrayLike<number>,
  subsets: Subsets,
  options: SummaryOptions = {},
): Record<string, SubsetSummary> {
  checkOptions("evaluateSubsets", options, SUMMARY_OPTIONS);
  return Object.fromEntries(
    Object.entries(subsets).map(([name, flags]) => {
      if (flags.length !== errors.length) {
        throw new ShapeError(
          `evaluateSubsets: subset "${name}" must have one flag for each of ${errors.length} faces; got ${flags.length}.`,
        );
      }
      const own = Float64Array.from(errors).filter((_, i) => !!flags[i]);
      const failedCount = own.reduce((count, error) => count + (error === Number.POSITIVE_INFINITY ? 1 : 0), 0);
      if (!own.some(Number.isFinite)) return [name, emptySummary(failedCount)];
      const { ced: _, ...summary } = summarizeErrors(own, options);
      return [name, summary];
    }),
  );
}

/** What can be said of no face: nothing; of failed faces alone: that they failed. */
function emptySummary(failedCount: number): SubsetSummary {
  return {
    count: 0,
    failedCount,
    nmePercent: Number.NaN,
    medianPercent: Number.NaN,
    failureRatePercent: failedCount > 0 ? 100 : Number.NaN,
    auc: failedCount > 0 ? 0 : Number.NaN,
  };
}
