import { ShapeError } from "@acr/core";
import { cast, div, mean, mul, notEqual, reshape, type Tensor, tidy, where } from "@tensorflow/tfjs-core";
import { landmarkCountOf, threeAxes, timesBatchWeights } from "./internal/batch-weights.js";
import { checkLoss, makeLoss, specOf } from "./internal/make-loss.js";
import type { Loss } from "./loss.js";

/**
 * Leaves out landmarks that are hidden or have no label: calls pass `visibility` `[B, K]` (or `[B, K, 1]`), 1 where a
 * landmark counts and 0 where not, float32, int32 or bool.
 *
 *   mean: Σ v · l / Σ v,   sum: Σ v · l,   none: v · l
 *
 * Labels of hidden landmarks may be anything, NaN included; a NaN prediction still gives NaN. Where nothing of the whole batch
 * is visible the mean is 0/0: NaN, never 0.
 *
 * @param loss - any loss.
 * @returns a loss that needs `visibility`.
 * @throws {InvalidArgumentError} `loss` is none, or a call without `visibility`.
 * @throws {ShapeError} `visibility` does not fit the predictions.
 * @example
 * const loss = withVisibility(createLoss("wing"));
 * loss(predictions, targets, { visibility });
 */
export function withVisibility(loss: Loss): Loss {
  checkLoss("withVisibility", "loss", loss);
  return makeLoss(
    "withVisibility",
    { loss: specOf(loss) },
    [...new Set([...loss.needs, "visibility" as const])],
    (predictions, targets, batch) =>
      tidy(() => {
        const { visibility, weights, reduction = "mean" } = batch;
        const count = landmarkCountOf(predictions);
        // No landmarks to count: the loss refuses the predictions.
        if (!Number.isInteger(count) || count < 1) return loss(predictions, targets, batch);
        const isVisible = notEqual(threeAxes("withVisibility", "visibility", visibility!, count), 0);
        const visible = cast(isVisible, "float32");
        const asPoints = (x: Tensor) => (x.rank === 2 ? reshape(x, [x.shape[0]!, x.shape[1]! / 2, 2]) : x);
        if (predictions.shape[0] !== isVisible.shape[0] || isVisible.shape[1] !== count)
          throw new ShapeError(
            `withVisibility: visibility must be [${predictions.shape[0]}, ${count}]; got [${visibility!.shape.join(", ")}].`,
          );
        // Targets that do not fit are left as they are: the loss refuses them with a message of its own.
        const known =
          predictions.size === targets.size ? where(isVisible, asPoints(targets), asPoints(predictions)) : targets;
        const own = reduction === "mean" ? div(visible, mean(visible)) : visible;
        return loss(predictions, known, {
          ...batch,
          weights: timesBatchWeights("withVisibility", mul(own, 1), weights, count),
        });
      }),
  );
}
