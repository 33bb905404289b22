import { checkOptions, InvalidArgumentError, ShapeError } from "@acr/core";
import { customGrad, type GradSaveFunc, mean, mul, reshape, sub, sum, type Tensor, tidy } from "@tensorflow/tfjs-core";

/** How the losses of all coordinates become the result. */
export type Reduction = "mean" | "sum" | "none";

/** Options that every loss takes. */
export interface LossOptions {
  /** `"mean"` divides the sum by B · K · 2, whatever the weights. Default `"mean"`. */
  reduction?: Reduction;
  /** Multiply the loss, never the error: `[B, K]` (a landmark), `[B, K, 1]` or `[B, K, 2]`. Default: none. */
  weights?: Tensor;
}

/** Loss of each coordinate and its derivative by the prediction, both shaped like the error. */
export interface LossTerms {
  value: Tensor;
  slope: Tensor;
}

const COMMON_OPTIONS = ["reduction", "weights"];
const REDUCTIONS = ["mean", "sum", "none"];

/** Throws unless the option is a finite number that is > 0. */
export function checkPositive(functionName: string, option: string, value: unknown): void {
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError(`${functionName}: ${option} must be a finite number > 0; got ${String(value)}.`);
  }
}

/** Brings a per-landmark or per-coordinate tensor to the shape of the error; axes of length 1 broadcast. */
export function alignToError(
  functionName: string,
  name: string,
  given: Tensor,
  [batch, count]: readonly [number, number],
): Tensor {
  const { shape } = given;
  const matches = shape[0] === batch && shape[1] === count;
  if (given.rank === 2 && matches) return reshape(given, [batch, count, 1]);
  if (given.rank === 3 && matches && (shape[2] === 1 || shape[2] === 2)) return given;
  if (given.rank === 2 && shape[0] === batch && shape[1] === count * 2) return reshape(given, [batch, count, 2]);
  throw new ShapeError(
    `${functionName}: ${name} must be [${batch}, ${count}], [${batch}, ${count}, 1] or [${batch}, ${count}, 2]; got [${shape.join(", ")}].`,
  );
}

function asPoints(functionName: string, name: string, x: Tensor): Tensor {
  if (!x || typeof x !== "object" || !("dataId" in x))
    throw new ShapeError(`${functionName}: ${name} must be a tensor [B, K, 2]; got ${typeof x}.`);
  if (x.dtype !== "float32")
    throw new InvalidArgumentError(
      `${functionName}: ${name} must be float32; got ${x.dtype}. Use tf.cast(x, "float32").`,
    );
  const flat = x.rank === 2 && x.shape[1]! % 2 === 0;
  if (!flat && !(x.rank === 3 && x.shape[2] === 2))
    throw new ShapeError(`${functionName}: ${name} must be [B, K, 2] or [B, 2K]; got [${x.shape.join(", ")}].`);
  if (x.size === 0)
    throw new ShapeError(`${functionName}: ${name} must hold at least one landmark; got [${x.shape.join(", ")}].`);
  return flat ? reshape(x, [x.shape[0]!, x.shape[1]! / 2, 2]) : x;
}

/**
 * What all losses share: shape checks, weights, reduction, and one custom gradient.
 *
 * `terms` computes value and derivative together, so that the backward pass is a single product; no gradient flows to
 * the targets, the weights or anything `terms` captures, and the derivative is a constant to second-order gradients.
 */
export function elementwiseLoss(
  functionName: string,
  predictions: Tensor,
  targets: Tensor,
  options: LossOptions & object,
  ownOptions: readonly string[],
  terms: (error: Tensor, shape: readonly [number, number]) => LossTerms,
): Tensor {
  checkOptions(functionName, options, [...ownOptions, ...COMMON_OPTIONS]);
  const { reduction = "mean", weights } = options;
  if (!REDUCTIONS.includes(reduction)) {
    throw new InvalidArgumentError(
      `${functionName}: reduction must be "mean", "sum" or "none"; got ${JSON.stringify(reduction)}.`,
    );
  }
  return tidy(() => {
    const p = asPoints(functionName, "predictions", predictions);
    const t = asPoints(functionName, "targets", targets);
    if (p.shape[0] !== t.shape[0] || p.shape[1] !== t.shape[1]) {
      throw new ShapeError(
        `${functionName}: predictions and targets must have one shape; got [${predictions.shape.join(", ")}] and [${targets.shape.join(", ")}].`,
      );
    }
    const shape = [p.shape[0]!, p.shape[1]!] as const;
    const w = weights && alignToError(functionName, "weights", weights, shape);
    const loss = customGrad((x, save) => {
      const { value, slope } = terms(sub(x as Tensor, t), shape);
      const weightedSlope = w ? mul(slope, w) : slope;
      (save as GradSaveFunc)([reduction === "mean" ? mul(weightedSlope, 1 / p.size) : weightedSlope]);
      const weighted = w ? mul(value, w) : value;
      const reduced = reduction === "mean" ? mean(weighted) : reduction === "sum" ? sum(weighted) : weighted;
      return { value: reduced, gradFunc: (dy: Tensor, saved: Tensor[]) => mul(saved[0]!, dy) };
    });
    return loss(p);
  });
}
