import { checkOptions, InvalidArgumentError, ShapeError } from "@acr/core";
import { checkShape } from "./internal/check-shape.js";

/** Turn, scale and move: `p ↦ scale · R(rotationRadians) · p + translation`. Never a reflection. */
export interface Similarity {
  /** > 0; 1 for a rigid motion. */
  scale: number;
  /** From the x axis towards the y axis, in (−π, π]. */
  rotationRadians: number;
  /** In the frame of the target. */
  translation: readonly [number, number];
}

/** Options of `similarityBetween`. */
export interface SimilarityBetweenOptions {
  /** `"similarity"` may scale, `"rigid"` may not. Default `"similarity"`. */
  kind?: "similarity" | "rigid";
}

/**
 * The similarity that brings one shape nearest to another, in the least-squares sense.
 *
 * With both shapes centred and their points written as complex numbers z and w, the best factor is
 *   a = Σ conj(z) w / Σ |z|²,   scale = |a|,  rotation = arg a;   rigid: scale = 1.
 * A complex factor cannot reflect, so a mirrored face is turned as near as it gets but stays mirrored.
 *
 * @param source - flat shape, any frame.   @param target - the same number of landmarks.
 * @throws {ShapeError} lengths differ or are odd.
 * @throws {InvalidArgumentError} a number is not finite, all points of a shape fall together, an unknown option.
 * @see Umeyama, PAMI 13(4), 1991; own derivation in the plane. Deviations: none.
 * @example applySimilarity(similarityBetween(face, model.mean), face);
 */
export function similarityBetween(
  source: ArrayLike<number>,
  target: ArrayLike<number>,
  options: SimilarityBetweenOptions = {},
): Similarity {
  checkOptions("similarityBetween", options, ["kind"]);
  const { kind = "similarity" } = options;
  if (kind !== "similarity" && kind !== "rigid") {
    throw new InvalidArgumentError(
      `similarityBetween: kind must be "similarity" or "rigid"; got ${JSON.stringify(kind)}.`,
    );
  }
  const length = source?.length ?? 0;
  if (length === 0 || length % 2 !== 0) {
    throw new ShapeError(`similarityBetween: source must hold 2K numbers; got ${length}.`);
  }
  checkShape("similarityBetween", "source", source, length);
  checkShape("similarityBetween", "target", target, length);
  const [sx, sy] = centroid(source);
  const [tx, ty] = centroid(target);
  let [real, imaginary, size, targetSize] = [0, 0, 0, 0];
  for (let q = 0; q < length; q += 2) {
    const [zx, zy, wx, wy] = [source[q]! - sx, source[q + 1]! - sy, target[q]! - tx, target[q + 1]! - ty];
    real += zx * wx + zy * wy;
    imaginary += zx * wy - zy * wx;
    size += zx * zx + zy * zy;
    targetSize += wx * wx + wy * wy;
  }
  if (!(size > 0 && targetSize > 0)) {
    throw new InvalidArgumentError(
      `similarityBetween: the points of ${size > 0 ? "target" : "source"} all fall together; expected a shape of some size.`,
    );
  }
  const rotationRadians = Math.atan2(imaginary, real);
  const scale = kind === "rigid" ? 1 : Math.hypot(real, imaginary) / size;
  if (!(scale > 0)) {
    throw new InvalidArgumentError("similarityBetween: no similarity is nearest; the shapes are uncorrelated.");
  }
  const [cos, sin] = [scale * Math.cos(rotationRadians), scale * Math.sin(rotationRadians)];
  return { scale, rotationRadians, translation: [tx - cos * sx + sin * sy, ty - sin * sx - cos * sy] };
}

function centroid(shape: ArrayLike<number>): [number, number] {
  let [x, y] = [0, 0];
  for (let q = 0; q < shape.length; q += 2) {
    x += shape[q]!;
    y += shape[q + 1]!;
  }
  return [(2 * x) / shape.length, (2 * y) / shape.length];
}
