import { checkOptions, InvalidArgumentError, ShapeError } from "@acr/core";
import { applySimilarity } from "./apply-similarity.js";
import { checkShape } from "./internal/check-shape.js";
import { type Similarity, similarityBetween } from "./similarity-between.js";

/** Options of `alignShapes`. */
export interface AlignShapesOptions {
  /** `"similarity"` removes position, rotation and scale, `"rigid"` keeps the scale. Default `"similarity"`. */
  kind?: "similarity" | "rigid";
  /** The mean has settled when it moves by less than this share of its size, > 0. Default 1e-12. */
  tolerance?: number;
  /** >= 1. Default 100. */
  maxIterations?: number;
}

/** What `alignShapes` gives. */
export interface AlignedShapes {
  /** The shapes after `similarities`, in order. */
  shapes: Float64Array[];
  /** Their mean: centroid at the origin, orientation of the first shape, average size of all. */
  mean: Float64Array;
  /** `shapes[i] = applySimilarity(similarities[i], input[i])`. */
  similarities: Similarity[];
  iterations: number;
  /** False when `maxIterations` ended the search. */
  converged: boolean;
}

/**
 * Generalised Procrustes analysis: moves all shapes onto their common mean, so that what is left is form.
 *
 * Alternates between bringing every shape nearest to the mean and taking the mean again; the mean keeps centroid 0,
 * the orientation of the first shape and the root mean square size of the input, else all would shrink to a point.
 * Reflections are never used: a mirrored face stays mirrored.
 *
 * @param shapes - at least 2 flat shapes of one length, any frame.
 * @throws {ShapeError} lengths differ or are odd.
 * @throws {InvalidArgumentError} fewer than 2 shapes, a number that is not finite, a shape without size, an option out of range.
 * @see Gower, Psychometrika 40(1), 1975. Deviations: no reflections.
 * @example const { shapes: aligned, mean } = alignShapes(faces);
 */
export function alignShapes(shapes: readonly ArrayLike<number>[], options: AlignShapesOptions = {}): AlignedShapes {
  checkOptions("alignShapes", options, ["kind", "tolerance", "maxIterations"]);
  const { kind = "similarity", tolerance = 1e-12, maxIterations = 100 } = options;
  if (!(tolerance > 0)) throw new InvalidArgumentError(`alignShapes: tolerance must be > 0; got ${tolerance}.`);
  if (!(Number.isInteger(maxIterations) && maxIterations >= 1)) {
    throw new InvalidArgumentError(`alignShapes: maxIterations must be an integer >= 1; got ${maxIterations}.`);
  }
  if (!(shapes?.length >= 2)) {
    throw new InvalidArgumentError(`alignShapes: shapes must hold at least 2; got ${shapes?.length ?? "none"}.`);
  }
  const length = shapes[0]?.length ?? 0;
  if (length === 0 || length % 2 !== 0)
    throw new ShapeError(`alignShapes: shapes must hold 2K numbers; got ${shapes[0]?.length ?? "none"}.`);
  shapes.forEach((shape, i) => {
    checkShape("alignShapes", `shape ${i}`, shape, length);
    if (!(sizeOf(center(shape)) > 0)) {
      throw new InvalidArgumentError(`alignShapes: the points of shape ${i} all fall together; expected some size.`);
    }
  });
  const first = center(shapes[0]!);
  const size = Math.sqrt(shapes.reduce((sum, shape) => sum + sizeOf(center(shape)) ** 2, 0) / shapes.length);
  const anchor = (mean: Float64Array) => {
    const turned = applySimilarity(similarityBetween(mean, first, { kind: "rigid" }), center(mean));
    const factor = kind === "similarity" ? size / sizeOf(turned) : 1;
    return center(turned).map((value) => value * factor);
  };
  let mean = anchor(first);
  for (let iterations = 1; ; iterations++) {
    const similarities = shapes.map((shape) => similarityBetween(shape, mean, { kind }));
    const aligned = shapes.map((shape, i) => applySimilarity(similarities[i]!, shape));
    const next = anchor(average(aligned));
    const moved = sizeOf(next.map((value, q) => value - mean[q]!));
    mean = next;
    const converged = moved <= tolerance * size;
    if (converged || iterations === maxIterations)
      return { shapes: aligned, mean, similarities, iterations, converged };
  }
}

function average(shapes: readonly Float64Array[]): Float64Array {
  const sum = new Float64Array(shapes[0]!.length);
  for (const shape of shapes) for (let q = 0; q < sum.length; q++) sum[q]! += shape[q]! / shapes.length;
  return sum;
}

function center(shape: ArrayLike<number>): Float64Array {
  let [x, y] = [0, 0];
  for (let q = 0; q < shape.length; q += 2) {
    x += (2 * shape[q]!) / shape.length;
    y += (2 * shape[q + 1]!) / shape.length;
  }
  return Float64Array.from(shape, (value, q) => value - (q % 2 === 0 ? x : y));
}

const sizeOf = (shape: Float64Array) => Math.sqrt(shape.reduce((sum, value) => sum + value * value, 0));
