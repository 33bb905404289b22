import { checkOptions, InvalidArgumentError, ShapeError } from "@acr/core";
import { reshape, slice, type Tensor, tidy } from "@tensorflow/tfjs-core";
import type { Loss, LossBatch } from "./loss.js";

export interface ToLayersLossOptions {
  /** K. Needed where the model's output was widened (`widenOutput`): its width no longer tells. Default: from the output. */
  landmarkCount?: number;
}

/**
 * A loss in the form that `model.compile({ loss })` of tfjs-layers takes: targets first, and Φ and weights behind the
 * targets, as `packTargets` puts them.
 *
 * @param loss - of `createLoss` or a composition, or one of the functions, e.g. `acrLoss` (with its default options).
 * @returns `(yTrue, yPred) => scalar`. With `model.fit` widen the output first, see `widenOutput`; `model.fitDataset`, which
 *   does not compare shapes, takes the model as it is.
 * @throws {InvalidArgumentError} no function, an unknown option.   @throws {ShapeError} in a call: widths that do not fit.
 * @example model.compile({ optimizer: "adam", loss: toLayersLoss(createLoss("wing", { width: 0.05, curvature: 0.01 })) });
 */
export function toLayersLoss(
  loss: Loss | ((predictions: Tensor, targets: Tensor, options?: LossBatch) => Tensor),
  options: ToLayersLossOptions = {},
): (yTrue: Tensor, yPred: Tensor) => Tensor {
  if (typeof loss !== "function")
    throw new InvalidArgumentError(`toLayersLoss: loss must be a function; got ${typeof loss}. Use createLoss(name).`);
  checkOptions("toLayersLoss", options, ["landmarkCount"]);
  const { landmarkCount } = options;
  if (landmarkCount !== undefined && !(Number.isInteger(landmarkCount) && landmarkCount > 0))
    throw new InvalidArgumentError(`toLayersLoss: landmarkCount must be an integer > 0; got ${String(landmarkCount)}.`);
  const needs = "needs" in loss ? loss.needs : [];
  return (yTrue, yPred) =>
    tidy(() => {
      const batch = yPred.shape[0]!;
      const width = landmarkCount ? landmarkCount * 2 : yPred.size / batch;
      const blocks = yTrue.size / (batch * width);
      const outputs = yPred.size / (batch * width);
      if (yTrue.shape[0] !== batch || ![1, 2, 3].includes(blocks) || (outputs !== 1 && outputs !== blocks)) {
        throw new ShapeError(
          `toLayersLoss: targets must be 1, 2 or 3 times as wide as ${width} outputs; got [${yTrue.shape.join(", ")}] for [${yPred.shape.join(", ")}]. Use packTargets, and landmarkCount with widenOutput.`,
        );
      }
      const flat = reshape(yTrue, [batch, blocks * width]);
      const block = (i: number) => slice(flat, [0, i * width], [batch, width]);
      // The first block of a widened output is the model's; this step's gradient is tfjs' own.
      const predictions =
        outputs === 1 ? yPred : slice(reshape(yPred, [batch, outputs * width]), [0, 0], [batch, width]);
      const last = needs.includes("visibility") ? "visibility" : "weights";
      return loss(predictions, block(0), {
        ...(blocks > 1 && !("needs" in loss && !needs.includes("difficulty")) && { difficulty: block(1) }),
        ...(blocks > 2 && { [last]: block(2) }),
      });
    });
}
