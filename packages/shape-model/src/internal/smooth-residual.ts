import { clipByValue, matMul, sub, type Tensor, type Tensor2D, tensor2d } from "@tensorflow/tfjs-core";
import type { PointModel } from "../point-model.js";

/** Modes have length 1, so deviations of any sensible frame divided by this stay within float32. */
const LEAST_LIMIT = 1e-30;

/** A model's first k modes as tensors, made so that the two products need neither a transpose nor a broadcast limit. */
export interface ModeTensors {
  /** `[1, 2K]`. */
  mean: Tensor2D;
  /** `[2K, k]`: column i is mode i divided by its limit, so that the limited coefficients lie in [−1, 1]. */
  projection?: Tensor2D;
  /** `[k, 2K]`: row i is mode i times its limit. */
  expansion?: Tensor2D;
}

/**
 * Uploads the first k modes; the caller owns the result.
 *
 * On the wasm backend a product with a transposed factor takes 10 times, and `minimum` with a broadcast limit 100 times
 * as long as what is used here; hence both orientations, and limits folded into the modes.
 */
export function modeTensors(model: PointModel, k: number, clip: number | false): ModeTensors {
  const length = model.mean.length;
  const mean = tensor2d(Float32Array.from(model.mean), [1, length]);
  if (k === 0) return { mean };
  const projection = new Float32Array(length * k);
  const expansion = new Float32Array(k * length);
  for (let i = 0; i < k; i++) {
    const limit = clip === false ? 1 : clip * Math.sqrt(model.eigenvalues[i]!);
    const mode = model.modes[i]!;
    for (let q = 0; q < length; q++) {
      // A mode without variance is limited to 0 and drops out; a quotient beyond float32 would meet that 0 as NaN.
      projection[q * k + i] = limit > LEAST_LIMIT ? mode[q]! / limit : 0;
      expansion[i * length + q] = mode[q]! * limit;
    }
  }
  return { mean, projection: tensor2d(projection, [length, k]), expansion: tensor2d(expansion, [k, length]) };
}

/** Face − Smooth of a batch `[B, 2K]` (Eqs. 2 and 3) in two matrix products. Call inside `tidy`. */
export function smoothResidual(
  flat: Tensor2D,
  { mean, projection, expansion }: ModeTensors,
  clip: number | false,
): Tensor {
  const centered: Tensor2D = sub(flat, mean);
  if (!projection || !expansion) return centered;
  const coefficients = matMul(centered, projection);
  const limited = clip === false ? coefficients : clipByValue(coefficients, -1, 1);
  return sub(centered, matMul(limited, expansion));
}
