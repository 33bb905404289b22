import { checkOptions, InvalidArgumentError } from "@acr/core";
import { applySimilarity } from "./apply-similarity.js";
import { checkShape } from "./internal/check-shape.js";
import { invertSimilarity } from "./invert-similarity.js";
import type { PointModel, SmoothOptions } from "./point-model.js";
import { similarityBetween } from "./similarity-between.js";

/** Options of `plausibleShape`. */
export interface PlausibleShapeOptions extends SmoothOptions {
  /**
   * `"similarity"` looks for the best position, rotation and scale of the model as well, as for a model fitted with
   * `align: "procrustes"`; `"none"` takes the shape in the model's own frame. Default `"none"`.
   */
  align?: "none" | "similarity";
}

/** Pose and form settle within a few rounds; more would move the points by less than rounding. */
const ROUNDS = 20;

/**
 * The nearest shape that the model allows: modes beyond `modes` removed, coefficients limited to `clip`.
 *
 * @param shape - flat, in the model's frame, or in any with `align: "similarity"`.
 * @returns a new shape in the frame of the input.
 * @throws {ShapeError | InvalidArgumentError} as `PointModel.smooth`, or an unknown option.
 * @see Cootes et al., CVIU 61(1), 1995, section 3. Deviations: none.
 * @example plausibleShape(model, prediction, { modes: 20, align: "similarity" });
 */
export function plausibleShape(
  model: PointModel,
  shape: ArrayLike<number>,
  options: PlausibleShapeOptions = {},
): Float64Array {
  checkOptions("plausibleShape", options, ["modes", "clip", "region", "align"]);
  const { align = "none", ...smoothOptions } = options;
  if (align !== "none" && align !== "similarity") {
    throw new InvalidArgumentError(
      `plausibleShape: align must be "none" or "similarity"; got ${JSON.stringify(align)}.`,
    );
  }
  checkShape("plausibleShape", "shape", shape, model.mean.length);
  if (align === "none") return model.smooth(shape, smoothOptions);
  let allowed = model.mean;
  for (let round = 0; round < ROUNDS; round++) {
    const toModel = invertSimilarity(similarityBetween(allowed, shape));
    allowed = model.smooth(applySimilarity(toModel, shape), smoothOptions);
  }
  return applySimilarity(similarityBetween(allowed, shape), allowed);
}
