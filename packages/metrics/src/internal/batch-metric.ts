import { type LandmarkScheme, ShapeError } from "@acr/core";
import { mean, reshape, type Tensor, type Tensor1D, tidy } from "@tensorflow/tfjs-core";
import { nmeTensor } from "../nme-tensor.js";
import type { Normalizer } from "../normalizer-size.js";

/** Options of the metrics for `model.compile`. */
export interface BatchMetricOptions {
  /** Default `"inter-ocular"`. */
  normalizer?: Normalizer;
}

/** A metric as tfjs-layers calls it: targets first. */
export type BatchMetric = (targets: Tensor, predictions: Tensor) => Tensor;

/** The mean over a batch of some function of each face's NME; `name` is what training logs show. */
export function batchMetric(
  name: string,
  scheme: LandmarkScheme,
  { normalizer }: BatchMetricOptions,
  score: (errors: Tensor1D) => Tensor,
): BatchMetric {
  const points = (flat: Tensor): Tensor =>
    flat.rank === 3 ? flat : reshape(flat, [-1, scheme.landmarkCount, flat.shape.at(-1)! / scheme.landmarkCount]);
  const metric = (targets: Tensor, predictions: Tensor) =>
    tidy(() => {
      for (const shape of [targets.shape, predictions.shape]) {
        const width = shape.length === 3 ? shape[1]! : shape[1]! / 2;
        if (width !== scheme.landmarkCount)
          throw new ShapeError(
            `${name}: tensors must be [B, ${scheme.landmarkCount}, 2] or [B, ${2 * scheme.landmarkCount}]; got [${shape.join(", ")}].`,
          );
      }
      return mean(score(nmeTensor(points(predictions), points(targets), { scheme, normalizer })));
    });
  Object.defineProperty(metric, "name", { value: name });
  return metric;
}
