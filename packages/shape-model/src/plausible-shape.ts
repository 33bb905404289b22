import { checkOptions, InvalidArgumentError } from "@acr/core";
import { applySimilarity } from "./apply-similarity.js";
import { checkModel } from "./internal/check-model.js";
import { checkShape } from "./internal/check-shape.js";
import { nearestInEllipsoid } from "./internal/nearest-in-ellipsoid.js";
import { invertSimilarity } from "./invert-similarity.js";
import type { SmoothOptions } from "./mode-options.js";
import type { PointModel } from "./point-model.js";
import { similarityBetween } from "./similarity-between.js";

/** Options of `plausibleShape`. */
export interface PlausibleShapeOptions extends SmoothOptions {
  /**
   * `"similarity"` looks for the best position, rotation and scale of the model as well, as for a model fitted with
   * `align: "procrustes"`; `"none"` takes the shape in the model's own frame. Default `"none"`.
   */
  align?: "none" | "similarity";
}

/** Pose and form are found in turn until neither moves a point by more than this share of the mean's size. */
const SETTLED = 1e-12;
const MAX_ROUNDS = 200;

/**
 * The nearest shape that the model allows: modes beyond `modes` removed, coefficients limited to `clip`.
 *
 * Nearest is meant by the distance of the points. With `region: "ellipsoid"` that is another shape than `smooth` gives,
 * which shortens all coefficients by one factor.
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
  checkModel("plausibleShape", model);
  checkShape("plausibleShape", "shape", shape, model.mean.length);
  const nearest = (own: ArrayLike<number>) => nearestAllowed(model, own, smoothOptions);
  if (align === "none") return nearest(shape);
  const size = model.mean.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  let allowed = model.mean;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = allowed;
    allowed = nearest(applySimilarity(invertSimilarity(similarityBetween(before, shape)), shape));
    if (allowed.every((value, q) => Math.abs(value - before[q]!) <= SETTLED * size)) break;
  }
  return applySimilarity(similarityBetween(allowed, shape), allowed);
}

function nearestAllowed(model: PointModel, shape: ArrayLike<number>, options: SmoothOptions): Float64Array {
  const { modes, clip = 3, region } = options;
  const smooth = model.smooth(shape, options);
  if (region !== "ellipsoid" || clip === false) return smooth;
  const free = model.project(shape, modes === undefined ? {} : { modes });
  return model.reconstruct(nearestInEllipsoid(free, model.eigenvalues, clip));
}
