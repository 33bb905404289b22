import { checkOptions, InvalidArgumentError } from "@acr/core";
import { LOSS_RULES, lossKey } from "./internal/loss-rules.js";

/** No picture shows more. */
const MOST_POINTS = 1_000_001;

export interface PlotLossOptions {
  /** Options of the loss. Default: its own defaults. */
  options?: object;
  /** Largest error, in the frame of the options, > 0. Default 2. */
  maxError?: number;
  /** Points from −maxError to maxError, an odd integer from 3 to 1000001 so that 0 is one of them. Default 401. */
  pointCount?: number;
  /** A pair of curves for each Φ in [0, 1]; ignored by losses that need none. Default 0, 0.25, 0.5, 0.75, 1. */
  difficulties?: readonly number[];
}

/** One curve of the value and one of the influence. */
export interface LossCurve {
  /** Φ; `undefined` where the loss has none. */
  difficulty: number | undefined;
  values: number[];
  /** dl/de: how strongly an error of that size pulls. */
  influences: number[];
}

export interface LossPlot {
  lossName: string;
  /** Increasing, symmetric around 0. */
  errors: number[];
  curves: LossCurve[];
}

/**
 * Value and influence curves of a loss of one coordinate as plain arrays, in float64, without a tensor: the data of the
 * paper's Figs. 2 and 3, for any plot library.
 *
 * @param name - one of `listLosses()`.
 * @returns errors e and, for each Φ, l(e) and dl/de.
 * @throws {InvalidArgumentError} an unknown name or option, or a value out of range.
 * @example const { errors, curves } = plotLoss("acr", { options: { lambda: 5 }, difficulties: [0, 0.5, 1] });
 */
export function plotLoss(name: string, options: PlotLossOptions = {}): LossPlot {
  checkOptions("plotLoss", options, ["options", "maxError", "pointCount", "difficulties"]);
  const { options: lossOptions = {}, maxError = 2, pointCount = 401, difficulties = [0, 0.25, 0.5, 0.75, 1] } = options;
  const key = lossKey("plotLoss", name, Object.keys(LOSS_RULES));
  const rule = LOSS_RULES[key]!(lossOptions);
  if (typeof maxError !== "number" || !Number.isFinite(maxError) || maxError <= 0)
    throw new InvalidArgumentError(`plotLoss: maxError must be a finite number > 0; got ${String(maxError)}.`);
  if (!Number.isInteger(pointCount) || pointCount < 3 || pointCount > MOST_POINTS || pointCount % 2 === 0)
    throw new InvalidArgumentError(
      `plotLoss: pointCount must be an odd integer from 3 to ${MOST_POINTS}; got ${String(pointCount)}.`,
    );
  if (!Array.isArray(difficulties) || difficulties.length === 0 || !difficulties.every((phi) => phi >= 0 && phi <= 1))
    throw new InvalidArgumentError("plotLoss: difficulties must be numbers in [0, 1], at least one.");
  const half = (pointCount - 1) / 2;
  const errors = Array.from({ length: pointCount }, (_, i) => ((i - half) / half) * maxError);
  const curves = (rule.needsDifficulty ? (difficulties as readonly number[]) : [undefined]).map((difficulty) => ({
    difficulty,
    values: errors.map((e) => rule.value(e, difficulty ?? 0)),
    influences: errors.map((e) => rule.slope(e, difficulty ?? 0)),
  }));
  return { lossName: key, errors, curves };
}
