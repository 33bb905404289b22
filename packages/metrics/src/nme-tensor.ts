import { checkOptions, InvalidArgumentError, type LandmarkScheme, ShapeError } from "@acr/core";
import {
  add,
  cast,
  div,
  gather,
  max,
  mean,
  min,
  mul,
  slice,
  sqrt,
  square,
  squeeze,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  tidy,
} from "@tensorflow/tfjs-core";
import type { Normalizer, NormalizerEnd } from "./normalizer-size.js";

/** Options of `nmeTensor`. */
export interface NmeTensorOptions {
  /** Landmark scheme; needed for the eye distances. */
  scheme?: LandmarkScheme;
  /** Default `"inter-ocular"`. Box normalisers use the tight box of the true landmarks. */
  normalizer?: Normalizer;
  /** `[B, K]`, 1 for a landmark that counts. Default: all. */
  visible?: Tensor;
}

/**
 * NME of each face of a batch, as tensors: for training loops that must not read values back.
 *
 * Edges: a face without a counted landmark gives NaN; a normaliser of 0 gives Infinity or NaN, as tensors cannot throw.
 *
 * @param predictions - `[B, K, 2]` float32, any one frame with square pixels.
 * @param targets - the same shape, or `[B, K, 2 + n]` as packed for losses: the first two channels are used.
 * @returns `[B]` fractions. Owned by the caller.
 * @throws {ShapeError} shapes differ or the last axis is not 2.   @throws {InvalidArgumentError} unknown normaliser, no scheme.
 * @example const errors = nmeTensor(predictions, targets, { scheme: ibug68 });
 */
export function nmeTensor(predictions: Tensor, targets: Tensor, options: NmeTensorOptions = {}): Tensor1D {
  checkOptions("nmeTensor", options, ["scheme", "normalizer", "visible"]);
  const { scheme, normalizer = "inter-ocular", visible } = options;
  const [batch, landmarkCount, channels] = predictions.shape;
  if (predictions.rank !== 3 || channels !== 2)
    throw new ShapeError(
      `nmeTensor: predictions must be [B, K, 2]; got [${predictions.shape.join(", ")}]. Use toLandmarks(x) for flat output.`,
    );
  if (targets.rank !== 3 || targets.shape[0] !== batch || targets.shape[1] !== landmarkCount || targets.shape[2]! < 2)
    throw new ShapeError(
      `nmeTensor: targets must be [${batch}, ${landmarkCount}, 2]; got [${targets.shape.join(", ")}].`,
    );
  if (visible && (visible.rank !== 2 || visible.shape[0] !== batch || visible.shape[1] !== landmarkCount))
    throw new ShapeError(`nmeTensor: visible must be [${batch}, ${landmarkCount}]; got [${visible.shape.join(", ")}].`);
  return tidy(() => {
    const truth = targets.shape[2] === 2 ? targets : slice(targets, [0, 0, 0], [batch!, landmarkCount!, 2]);
    const errors = sqrt(sum(square(sub(predictions, truth)), -1));
    const sizes = sizesOf(truth, normalizer, scheme);
    if (!visible) return div(mean(errors, 1), sizes) as Tensor1D;
    const counts = cast(visible, "float32");
    return div(div(sum(mul(errors, counts), 1), sum(counts, 1)), sizes) as Tensor1D;
  });
}

/** `[B]` lengths. */
function sizesOf(truth: Tensor, normalizer: Normalizer, scheme: LandmarkScheme | undefined): Tensor {
  const landmarkCount = truth.shape[1]!;
  const between = (first: NormalizerEnd, second: NormalizerEnd) => {
    const end = (indices: NormalizerEnd) => mean(gather(truth, [indices].flat() as number[], 1), 1);
    return sqrt(sum(square(sub(end(first), end(second))), -1));
  };
  switch (normalizer) {
    case "inter-ocular":
    case "inter-pupil":
      if (!scheme)
        throw new InvalidArgumentError(
          `nmeTensor: ${normalizer} needs a scheme; got none. Pass { scheme: ibug68 } or another.`,
        );
      if (scheme.landmarkCount !== landmarkCount)
        throw new ShapeError(`nmeTensor: ${scheme.id} has ${scheme.landmarkCount} landmarks; got ${landmarkCount}.`);
      return between(...scheme.normalizers[normalizer]);
    case "box-geometric":
    case "box-diagonal":
    case "face-size": {
      const extent = sub(max(truth, 1), min(truth, 1));
      const side = (axis: number) => squeeze(slice(extent, [0, axis], [-1, 1]), [1]);
      const [width, height] = [side(0), side(1)];
      if (normalizer === "box-geometric") return sqrt(mul(width, height));
      return normalizer === "box-diagonal" ? sqrt(add(square(width), square(height))) : div(add(width, height), 2);
    }
    default: {
      const valid =
        Array.isArray(normalizer) &&
        normalizer.length === 2 &&
        normalizer.flat().every((k) => Number.isInteger(k) && k >= 0 && k < landmarkCount);
      if (!valid)
        throw new InvalidArgumentError(
          `nmeTensor: normalizer must be a name that normalizerSize knows or two landmark indices; got ${JSON.stringify(normalizer)}.`,
        );
      return between(normalizer[0], normalizer[1]);
    }
  }
}
