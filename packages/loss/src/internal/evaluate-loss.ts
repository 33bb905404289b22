import { AcrError, InvalidArgumentError, ShapeError } from "@acr/core";
import {
  clipByValue,
  customGrad,
  engine,
  env,
  type GradSaveFunc,
  getBackend,
  mean,
  mul,
  reshape,
  scalar,
  sub,
  sum,
  type Tensor,
  tensor,
  tidy,
} from "@tensorflow/tfjs-core";
import { checkFloat, checkTensor, type Reduction } from "./check.js";
import { broadcastValues, hostValues, isHostBackend } from "./host-memory.js";
import { LARGEST_FLOAT32 } from "./largest-float32.js";
import type { HostOutputs, LossRule } from "./loss-rule.js";

/** Options that every loss takes. */
export interface LossOptions {
  /** `"mean"` divides the sum by B · K · 2, whatever the weights. Default `"mean"`. */
  reduction?: Reduction;
  /**
   * Multiply the loss, never the error: `[B, K]` (a landmark), `[B, K, 1]` or `[B, K, 2]`, float32, int32 or bool; an axis
   * of length 1 repeats. Expected >= 0. Default: none.
   */
  weights?: Tensor;
}

/** How far outside [0, 1] rounding may leave Φ; beyond, tfjs' debug mode throws. */
const DIFFICULTY_TOLERANCE = 1e-3;

type Shape = readonly [batch: number, count: number];
type Shape3 = readonly [number, number, number];

const list = (shape: readonly number[]) => `[${shape.join(", ")}]`;

const misshapen = (functionName: string, name: string, x: Tensor, [b, k]: Shape) =>
  new ShapeError(
    `${functionName}: ${name} must be [${b}, ${k}], [${b}, ${k}, 1] or [${b}, ${k}, 2]; got ${list(x.shape)}.`,
  );

/** B and K of a `[B, K, 2]` or `[B, 2K]` float32 tensor. */
function checkPoints(functionName: string, name: string, x: Tensor): Shape {
  checkTensor(functionName, name, x);
  const { shape, dtype } = x;
  checkFloat(functionName, name, dtype);
  const isFlat = shape.length === 2 && shape[1]! % 2 === 0;
  if (!isFlat && !(shape.length === 3 && shape[2] === 2))
    throw new ShapeError(`${functionName}: ${name} must be [B, K, 2] or [B, 2K]; got ${list(shape)}.`);
  if (x.size === 0)
    throw new ShapeError(`${functionName}: ${name} must hold at least one landmark; got ${list(shape)}.`);
  return isFlat ? [shape[0]!, shape[1]! / 2] : [shape[0]!, shape[1]!];
}

/** Three axes of Φ, which broadcast to those of the error. */
function difficultyShape(functionName: string, phi: Tensor, [batch, count]: Shape): Shape3 {
  checkTensor(functionName, "difficulty", phi);
  checkFloat(functionName, "difficulty", phi.dtype);
  const [b, k, c] = phi.shape;
  if (b === batch) {
    if (phi.rank === 2 && k === count) return [batch, count, 1];
    if (phi.rank === 2 && k === count * 2) return [batch, count, 2];
    if (phi.rank === 3 && k === count && (c === 1 || c === 2)) return [batch, count, c];
  }
  throw misshapen(functionName, "difficulty", phi, [batch, count]);
}

/** Three axes of the weights; each may also be 1. */
function weightsShape(functionName: string, weights: Tensor, [batch, count]: Shape): Shape3 {
  checkTensor(functionName, "weights", weights);
  if (weights.dtype !== "float32" && weights.dtype !== "int32" && weights.dtype !== "bool")
    throw new InvalidArgumentError(`${functionName}: weights must be float32, int32 or bool; got ${weights.dtype}.`);
  const [b, k, c] = weights.shape as [number, number, number];
  if (b === batch || b === 1) {
    if (weights.rank === 2 && (k === count || k === 1)) return [b, k, 1];
    if (weights.rank === 2 && k === count * 2) return [b, count, 2];
    if (weights.rank === 3 && (k === count || k === 1) && (c === 1 || c === 2)) return [b, k, c];
  }
  throw misshapen(functionName, "weights", weights, [batch, count]);
}

/** In tfjs' debug mode (`tf.enableDebugMode()`) only, since it waits for the numbers. */
function checkRange(functionName: string, name: string, x: Tensor, low: number, high: number): void {
  for (const value of x.dataSync()) {
    if (value < low || value > high)
      throw new InvalidArgumentError(`${functionName}: ${name} must be in [${low}, ${high}]; got ${value}.`);
  }
}

/** How many gradients are being taken around this call; Infinity where tfjs does not tell. */
const gradientDepth = () =>
  (engine() as { state?: { gradientDepth?: number } }).state?.gradientDepth ?? Number.POSITIVE_INFINITY;

/** What the loss depends on besides the predictions. */
interface Constants {
  targets: Tensor;
  difficulty: Tensor | undefined;
  weights: Tensor | undefined;
}

function reduced({ sum: total, values, isView }: HostOutputs, reduction: Reduction, shape: number[], count: number) {
  if (reduction === "none") return toTensor(values!, shape, isView);
  const result = reduction === "mean" ? total / count : total;
  return scalar(Math.min(result, LARGEST_FLOAT32));
}

const saturated = (x: Tensor) => clipByValue(x, -LARGEST_FLOAT32, LARGEST_FLOAT32);

/** A tensor of its own: only `wasm` copies the numbers it is given at once. */
function toTensor(values: Float32Array, shape: number[], isView: boolean): Tensor {
  return tensor(isView && getBackend() !== "wasm" ? values.slice() : values, shape);
}

/**
 * What all losses share: the checks, one pass that gives values and slopes together, weights, reduction, and the gradients.
 *
 * The whole is one operation of tfjs with its own gradient, so it needs none that tfjs-core registers. On host backends the
 * pass runs over the arrays, on others as a graph of tensor operations. The backward pass is a product with the saved
 * slopes; while a second gradient is being taken it is an operation with a gradient in turn. Nothing flows to the targets,
 * the weights or Φ.
 */
export function evaluateLoss(
  rule: LossRule,
  predictions: Tensor,
  targets: Tensor,
  options: LossOptions & { difficulty?: Tensor },
): Tensor {
  const { functionName } = rule;
  const { reduction = "mean", weights, difficulty } = options;
  const shape = checkPoints(functionName, "predictions", predictions);
  const targetShape = checkPoints(functionName, "targets", targets);
  if (shape[0] !== targetShape[0] || shape[1] !== targetShape[1]) {
    throw new ShapeError(
      `${functionName}: predictions and targets must have one shape; got ${list(predictions.shape)} and ${list(targets.shape)}.`,
    );
  }
  if (rule.needsDifficulty && !difficulty) {
    throw new InvalidArgumentError(
      `${functionName}: difficulty is required; got none. See difficultyTensor of @acr/shape-model.`,
    );
  }
  const phiShape = rule.needsDifficulty ? difficultyShape(functionName, difficulty!, shape) : undefined;
  const weightShape = weights ? weightsShape(functionName, weights, shape) : undefined;
  if (env().getBool("DEBUG")) {
    if (phiShape) checkRange(functionName, "difficulty", difficulty!, -DIFFICULTY_TOLERANCE, 1 + DIFFICULTY_TOLERANCE);
    if (weights) checkRange(functionName, "weights", weights, 0, Number.MAX_VALUE);
  }

  const count = predictions.size;
  const slopeFactor = reduction === "mean" ? 1 / count : 1;
  const points: [number, number, number] = [shape[0], shape[1], 2];
  const asPoints = (x: Tensor) => (x.rank === 3 ? x : reshape(x, points));
  const errorOf = (x: Tensor, constants: Constants) => sub(asPoints(x), asPoints(constants.targets));
  const phiOf = (constants: Constants) =>
    phiShape ? clipByValue(reshape(constants.difficulty!, [...phiShape]), 0, 1) : scalar(0);
  const weighted = (x: Tensor, constants: Constants) =>
    weightShape ? mul(x, reshape(constants.weights!, [...weightShape])) : x;
  const given: Constants = { targets, difficulty: phiShape && difficulty, weights };

  const forward = (x: Tensor, wantSlopes: boolean): { value: Tensor; slopes: Tensor | undefined } => {
    const outputs =
      rule.hostPass &&
      isHostBackend() &&
      rule.hostPass(rule, {
        predictions: hostValues(x),
        targets: hostValues(targets),
        difficulty: phiShape && broadcastValues(hostValues(difficulty!), phiShape, shape),
        weights: weightShape && broadcastValues(hostValues(weights!), weightShape, shape),
        wantValues: reduction === "none",
        wantSlopes,
        slopeFactor,
      });
    if (outputs) {
      return {
        value: reduced(outputs, reduction, points, count),
        slopes: outputs.slopes && toTensor(outputs.slopes, x.shape, outputs.isView),
      };
    }
    const { value, slope } = rule.graph(errorOf(x, given), phiOf(given));
    // A weight of 0 must not meet an infinite value, and a large weight must not make one.
    const weightedValue = weightShape ? saturated(weighted(saturated(value), given)) : value;
    const scaled = slopeFactor === 1 ? slope : mul(slope, slopeFactor);
    const slopes = weightShape ? saturated(weighted(scaled, given)) : scaled;
    return {
      value: reduction === "mean" ? mean(weightedValue) : reduction === "sum" ? sum(weightedValue) : weightedValue,
      slopes: x.rank === 3 ? slopes : reshape(slopes, x.shape),
    };
  };
  /** dy times something shaped like the predictions; dy has the shape of the result. */
  const times = (x: Tensor, dy: Tensor) => mul(x, dy.size === count ? reshape(dy, x.shape) : reshape(dy, []));

  const curved = (constants: Constants) =>
    customGrad((...args: unknown[]) => {
      const [x, dy, ddy] = args as [Tensor, Tensor, Tensor];
      const curvature = rule.graphCurvature(errorOf(x, constants), phiOf(constants));
      const factor = reshape(weighted(mul(curvature, slopeFactor), constants), x.shape);
      return {
        value: mul(times(factor, dy), ddy),
        gradFunc: () => {
          throw new AcrError(`${functionName}: third derivatives are not supported.`, "ACR_UNSUPPORTED");
        },
      };
    });
  const sloped = (slopes: Tensor, constants: Constants) =>
    customGrad((...args: unknown[]) => {
      const [x, dy, save] = args as [Tensor, Tensor, GradSaveFunc];
      save([x, dy]);
      return {
        value: times(slopes, dy),
        gradFunc: (ddy: Tensor, saved: Tensor[]) => {
          const [savedX, savedDy] = saved as [Tensor, Tensor];
          const product = mul(slopes, ddy);
          const byDy = savedDy.size === count ? product : sum(product);
          return [curved(constants)(savedX, savedDy, ddy), reshape(byDy, savedDy.shape)];
        },
      };
    });
  const loss = customGrad((...args: unknown[]) => {
    const [x, save] = args as [Tensor, GradSaveFunc];
    const depth = gradientDepth();
    const { value, slopes } = forward(x, depth > 0);
    // A gradient of the gradient outlives the scope in which the caller made the constants.
    const kept = [x, targets, ...(phiShape ? [difficulty!] : []), ...(weights ? [weights] : [])];
    if (slopes) save(depth > 1 ? [slopes, ...kept] : [slopes]);
    return {
      value,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [savedSlopes, savedX, savedTargets, ...others] = saved as [Tensor, Tensor, Tensor, ...Tensor[]];
        if (gradientDepth() === 0) return times(savedSlopes, dy);
        const constants = {
          targets: savedTargets,
          difficulty: phiShape && others[0],
          weights: weights && others.at(-1),
        };
        return sloped(savedSlopes, constants)(savedX, dy);
      },
    };
  });
  return tidy(() => loss(predictions));
}
