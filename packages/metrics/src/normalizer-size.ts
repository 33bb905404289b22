import { type Box, InvalidArgumentError, type LandmarkScheme, ShapeError } from "@acr/core";

/** What errors are divided by: a named distance, or two landmarks by index. */
export type Normalizer = "inter-ocular" | "inter-pupil" | "box-geometric" | "box-diagonal" | readonly [number, number];

const NAMES = ["inter-ocular", "inter-pupil", "box-geometric", "box-diagonal"];

/** Distance between the mean points of two sets of landmarks. */
function distance(shape: ArrayLike<number>, [first, second]: readonly [readonly number[], readonly number[]]): number {
  const mean = (indices: readonly number[], axis: number) => {
    let sum = 0;
    for (const index of indices) sum += shape[2 * index + axis]!;
    return sum / indices.length;
  };
  return Math.hypot(mean(first, 0) - mean(second, 0), mean(first, 1) - mean(second, 1));
}

function tightBox(shape: ArrayLike<number>): Box {
  let [x0, y0, x1, y1] = [
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ];
  for (let i = 0; i + 1 < shape.length; i += 2) {
    x0 = Math.min(x0, shape[i]!);
    x1 = Math.max(x1, shape[i]!);
    y0 = Math.min(y0, shape[i + 1]!);
    y1 = Math.max(y1, shape[i + 1]!);
  }
  return [x0, y0, x1, y1];
}

/**
 * The length that errors on one face are divided by, from the true landmarks; all of them count, visible or not.
 *
 *   inter-ocular   distance of the outer eye corners
 *   inter-pupil    distance of the eye centres
 *   box-geometric  √(width · height) of the box
 *   box-diagonal   √(width² + height²) of the box
 *   [i, j]         distance of two landmarks
 *
 * @param target - flat true shape, `pixel` frame.
 * @param options.scheme - needed for the two eye distances.
 * @param options.box - face box; default: the tight box of the landmarks.
 * @throws {InvalidArgumentError} unknown name, no scheme, or a length that is 0 or not finite.
 * @example normalizerSize(target, { normalizer: "inter-ocular", scheme: ibug68 });
 */
export function normalizerSize(
  target: ArrayLike<number>,
  { normalizer = "inter-ocular", scheme, box }: { normalizer?: Normalizer; scheme?: LandmarkScheme; box?: Box },
): number {
  const size = measure(target, normalizer, scheme, box);
  if (!(size > 0) || !Number.isFinite(size)) {
    throw new InvalidArgumentError(
      `normalizerSize: the ${String(normalizer)} distance must be > 0; got ${size}. Check the face's labels or choose another normalizer.`,
    );
  }
  return size;
}

function measure(
  target: ArrayLike<number>,
  normalizer: Normalizer,
  scheme: LandmarkScheme | undefined,
  box: Box | undefined,
): number {
  if (normalizer === "inter-ocular" || normalizer === "inter-pupil") {
    if (!scheme)
      throw new InvalidArgumentError(
        `normalizerSize: ${normalizer} needs a scheme; got none. Pass { scheme: ibug68 } or another.`,
      );
    if (target.length !== scheme.landmarkCount * 2) {
      throw new ShapeError(
        `normalizerSize: a ${scheme.id} shape must have ${scheme.landmarkCount * 2} numbers; got ${target.length}.`,
      );
    }
    return distance(target, scheme.normalizers[normalizer]);
  }
  if (normalizer === "box-geometric" || normalizer === "box-diagonal") {
    const [x0, y0, x1, y1] = box ?? tightBox(target);
    return normalizer === "box-geometric" ? Math.sqrt((x1 - x0) * (y1 - y0)) : Math.hypot(x1 - x0, y1 - y0);
  }
  if (
    Array.isArray(normalizer) &&
    normalizer.length === 2 &&
    normalizer.every((i) => Number.isInteger(i) && i >= 0 && 2 * i + 1 < target.length)
  ) {
    return distance(target, [[normalizer[0]], [normalizer[1]]]);
  }
  throw new InvalidArgumentError(
    `normalizerSize: normalizer must be one of ${NAMES.join(", ")} or two landmark indices; got ${JSON.stringify(normalizer)}.`,
  );
}
