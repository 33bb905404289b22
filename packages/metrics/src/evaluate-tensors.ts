import { ShapeError } from "@acr/core";
import type { Tensor } from "@tensorflow/tfjs-core";
import { type EvaluateOptions, evaluate } from "./evaluate.js";

/** Options of `evaluateTensors`: those of `evaluate`, flags as a tensor. */
export interface EvaluateTensorsOptions extends Omit<EvaluateOptions, "visible"> {
  /** `[N, K]`, 1 = visible. */
  visible?: Tensor;
}

/**
 * `evaluate` for tensors: reads them once, then computes in float64.
 *
 * Units: what `evaluate` wants: `pixel` coordinates of the source. Coordinates of the `centered` frame give the same
 * figures when crops are square and not mirrored, since NME has no unit.
 *
 * @param predictions - `[N, K, 2]`.   @param targets - `[N, K, 2]`.
 * @throws {ShapeError} shapes differ or the last axis is not 2.   @throws {InvalidArgumentError} as `evaluate`.
 * @example const { nmePercent } = await evaluateTensors(model.predict(images), landmarks, { scheme: ibug68 });
 */
export async function evaluateTensors(
  predictions: Tensor,
  targets: Tensor,
  { visible, ...options }: EvaluateTensorsOptions = {},
): Promise<ReturnType<typeof evaluate>> {
  const [count, landmarkCount] = predictions.shape;
  if (predictions.rank !== 3 || predictions.shape[2] !== 2)
    throw new ShapeError(
      `evaluateTensors: predictions must be [N, K, 2]; got [${predictions.shape.join(", ")}]. Use toLandmarks(x) for flat output.`,
    );
  if (targets.shape.join() !== predictions.shape.join())
    throw new ShapeError(
      `evaluateTensors: targets must be [${predictions.shape.join(", ")}]; got [${targets.shape.join(", ")}].`,
    );
  if (visible && visible.shape.join() !== `${count},${landmarkCount}`)
    throw new ShapeError(
      `evaluateTensors: visible must be [${count}, ${landmarkCount}]; got [${visible.shape.join(", ")}].`,
    );
  const [predicted, truth, flags] = await Promise.all([predictions.data(), targets.data(), visible?.data()]);
  const rows = (flat: Float32Array | Int32Array | Uint8Array, length: number) =>
    Array.from({ length: count! }, (_, i) => flat.subarray(i * length, (i + 1) * length));
  return evaluate(rows(predicted, 2 * landmarkCount!), rows(truth, 2 * landmarkCount!), {
    ...options,
    ...(flags && { visible: rows(flags, landmarkCount!) }),
  });
}
