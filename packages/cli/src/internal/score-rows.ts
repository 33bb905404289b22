import type { ConfidenceIntervals, SubsetSummary } from "@acr/metrics";
import type { TableRow } from "@acr/report";
import type { RunComparison } from "./evaluate-runs.js";

/** A dash for what no face can tell. */
const number = (value: number, digits: number) => (Number.isNaN(value) ? "–" : value.toFixed(digits));

/** The columns of every table of scores. */
export function scoreColumns(
  summary: SubsetSummary & { confidence?: ConfidenceIntervals },
  { threshold = 0.1 }: { threshold?: number } = {},
): TableRow {
  const { count, nmePercent, medianPercent, failureRatePercent, auc, confidence } = summary;
  return {
    faces: count,
    "NME %": number(nmePercent, 2),
    "95 % interval": confidence ? `${confidence.lowPercent.toFixed(2)}–${confidence.highPercent.toFixed(2)}` : "–",
    "median %": number(medianPercent, 2),
    "failures %": number(failureRatePercent, 2),
    [`AUC@${threshold}`]: number(auc, 4),
  };
}

/** A p-value with as many digits as it is worth. */
export function formatPValue(value: number): string {
  return value < 0.0001 ? "< 0.0001" : value.toFixed(4);
}

/** A row for each comparison with the first run. */
export function comparisonRow(comparison: RunComparison): TableRow {
  const { first, second, difference, low, high, pValue, adjustedPValue, firstBetter } = comparison;
  return {
    run: first,
    against: second,
    "NME difference": `${difference >= 0 ? "+" : "−"}${Math.abs(difference).toFixed(3)}`,
    "95 % interval": `${low.toFixed(3)} to ${high.toFixed(3)}`,
    p: formatPValue(pValue),
    "p (Holm)": formatPValue(adjustedPValue),
    "better on": `${(100 * firstBetter).toFixed(0)} % of faces`,
  };
}
