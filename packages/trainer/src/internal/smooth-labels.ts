import type { PointModel } from "@acr/shape-model";
import { type Tensor3D, tensor3d } from "@tensorflow/tfjs-core";

/**
 * Label smoothing in shape space: y + amount · (smooth(y) − y), with the smooth face of as many modes as explain `fraction`
 * of the variance. Computed in float64 on the CPU, where labels are anyhow: a batch takes less time than its way to a GPU.
 *
 * @param labels - flat `[B · 2K]` in the `centered` frame.
 * @returns `[B, K, 2]`. Owned by the caller.
 */
export function smoothLabels(
  model: PointModel,
  labels: Float32Array,
  { amount, fraction }: { amount: number; fraction: number },
): Tensor3D {
  const modes = model.modeCount({ by: "variance", fraction });
  const length = model.mean.length;
  const result = new Float32Array(labels.length);
  for (let start = 0; start < labels.length; start += length) {
    const face = labels.subarray(start, start + length);
    const smooth = model.smooth(face, { modes });
    for (let i = 0; i < length; i++) result[start + i] = face[i]! + amount * (smooth[i]! - face[i]!);
  }
  return tensor3d(result, [labels.length / length, length / 2, 2]);
}
