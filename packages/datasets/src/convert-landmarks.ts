import { checkOptions, getLandmarkScheme, InvalidArgumentError } from "@acr/core";
import { CONVERSIONS } from "./internal/scheme-conversions.js";

/** Options of `convertLandmarks`. */
export interface ConvertLandmarksOptions {
  /** Scheme of the input, by id: `ibug68` or `wflw98`. */
  from: string;
  /** Scheme of the output, by id: `cofw29` or `ibug68`. */
  to: string;
  /** K flags of the input, 1 = visible. */
  visible?: ArrayLike<number>;
}

/** Landmarks in another scheme. */
export interface ConvertedLandmarks {
  landmarks: Float64Array;
  /** A point is visible when all points that it comes from are; absent where the input had no flags. */
  visible?: Uint8Array;
}

/**
 * Turns landmarks of one scheme into another, by points of the same meaning or weighted means of them. Approximate: the
 * schemes were annotated by different rules. 68 → 29 invents the lower edge of the brows (a quarter of the way to the eye)
 * and the pupils (the mean of the lids); 98 → 68 takes every second point of the jaw and of the lids, the upper edge of
 * the brows; 98 → 29 has true pupils and both edges of the brows.
 *
 * @param landmarks - flat, 2K values, any frame that affine maps keep.
 * @throws {InvalidArgumentError} no conversion between the schemes, a wrong number of landmarks or flags.
 * @see Own derivation from the names of the points; 98 → 68 as in common use for evaluating WFLW models on 300-W.
 * @example const { landmarks } = convertLandmarks(face.landmarks, { from: "ibug68", to: "cofw29" });
 */
export function convertLandmarks(landmarks: ArrayLike<number>, options: ConvertLandmarksOptions): ConvertedLandmarks {
  checkOptions("convertLandmarks", options, ["from", "to", "visible"]);
  const { from, to, visible } = options;
  const { landmarkCount } = getLandmarkScheme(from);
  getLandmarkScheme(to);
  if (landmarks.length !== 2 * landmarkCount)
    throw new InvalidArgumentError(
      `convertLandmarks: landmarks must hold ${2 * landmarkCount} values of ${from}; got ${landmarks.length}.`,
    );
  if (visible && visible.length !== landmarkCount)
    throw new InvalidArgumentError(
      `convertLandmarks: visible must hold ${landmarkCount} flags; got ${visible.length}.`,
    );
  if (from === to)
    return { landmarks: Float64Array.from(landmarks), ...(visible && { visible: Uint8Array.from(visible) }) };
  const recipe = CONVERSIONS[`${from}>${to}`];
  if (!recipe)
    throw new InvalidArgumentError(
      `convertLandmarks: there is no conversion from ${from} to ${to}; known are ${Object.keys(CONVERSIONS).join(", ").replaceAll(">", " to ")}.`,
    );
  const converted = new Float64Array(2 * recipe.length);
  recipe.forEach((parts, k) => {
    for (const [index, weight] of parts)
      for (const axis of [0, 1]) converted[2 * k + axis]! += weight * landmarks[2 * index + axis]!;
  });
  return {
    landmarks: converted,
    ...(visible && { visible: Uint8Array.from(recipe, (parts) => (parts.every(([index]) => visible[index]) ? 1 : 0)) }),
  };
}
