import type { LandmarkScheme } from "@acr/core";
import { div, gather, mean, mul, reshape, sqrt, square, sub, sum, type Tensor, tidy } from "@tensorflow/tfjs-core";

/**
 * The mean NME of a batch, in percent, as a metric for `model.compile({ metrics })`. Targets come first, as
 * tfjs-layers passes them. Eye distances only.
 *
 * @param scheme - landmark scheme of the model.
 * @returns a function of `[B, K, 2]` or `[B, 2K]` tensors in any one frame.
 * @example model.compile({ optimizer: "adam", loss, metrics: [nmeMetric(ibug68)] });
 */
export function nmeMetric(
  scheme: LandmarkScheme,
  { normalizer = "inter-ocular" }: { normalizer?: "inter-ocular" | "inter-pupil" } = {},
): (targets: Tensor, predictions: Tensor) => Tensor {
  const [first, second] = scheme.normalizers[normalizer];
  return (targets, predictions) =>
    tidy(() => {
      const points = [-1, scheme.landmarkCount, 2];
      const truth = reshape(targets, points);
      const distance = (a: Tensor, b: Tensor) => sqrt(sum(square(sub(a, b)), -1));
      const end = (indices: readonly number[]) => mean(gather(truth, [...indices], 1), 1);
      const errors = mean(distance(reshape(predictions, points), truth), 1);
      return mul(mean(div(errors, distance(end(first), end(second)))), 100);
    });
}
