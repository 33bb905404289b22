import { type Box, InvalidArgumentError, type LandmarkScheme, nearestNames, ShapeError } from "@acr/core";

/** One end of a measured distance: a landmark, or the mean point of several. */
export type NormalizerEnd = number | readonly number[];

/** The names of the normalisers. */
export type NormalizerName = "inter-ocular" | "inter-pupil" | "box-geometric" | "box-diagonal" | "face-size";

/** What errors are divided by: a named length, or the distance between two landmarks (or means of landmarks) by index. */
export type Normalizer = NormalizerName | readonly [NormalizerEnd, NormalizerEnd];

const NAMES: readonly string[] = ["inter-ocular", "inter-pupil", "box-geometric", "box-diagonal", "face-size"];

/** Distance between the mean points of two sets of landmarks. */
function distance(shape: ArrayLike<number>, first: readonly number[], second: readonly number[]): number {
  const dx = meanOf(shape, first, 0) - meanOf(shape, second, 0);
  const dy = meanOf(shape, first, 1) - meanOf(shape, second, 1);
  return Math.sqrt(dx * dx + dy * dy);
}

function meanOf(shape: ArrayLike<number>, indices: readonly number[], axis: number): number {
  if (indices.length === 1) return shape[2 * indices[0]! + axis]!;
  let sum = 0;
  for (let i = 0; i < indices.length; i++) sum += shape[2 * indices[i]! + axis]!;
  return sum / indices.length;
}

function tightBox(shape: ArrayLike<number>): Box {
  let x0 = Number.POSITIVE_INFINITY;
  let y0 = Number.POSITIVE_INFINITY;
  let x1 = Number.NEGATIVE_INFINITY;
  let y1 = Number.NEGATIVE_INFINITY;
  for (let i = 0; i + 1 < shape.length; i += 2) {
    // Math.min and Math.max hand NaN on, so that a landmark without a place cannot hide.
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
 *   face-size      (width + height) / 2 of the box
 *   [i, j]         distance of two landmarks; either may be a list, whose mean point is taken
 *
 * @param target - flat true shape, `pixel` frame.
 * @param options.scheme - needed for the two eye distances.
 * @param options.box - face box; default: the tight box of the landmarks.
 * @throws {InvalidArgumentError} unknown name, no scheme, or a length that is 0 or not finite.
 * @throws {ShapeError} the shape does not fit the scheme.
 * @see inter-ocular: Sagonas et al., 300 Faces In-The-Wild, 2016; inter-pupil: Ren et al., CVPR 2014; box: Bulat and
 *   Tzimiropoulos, ICCV 2017 (geometric), Kumar et al. 2020 (diagonal); face-size: Zhu and Ramanan, CVPR 2012.
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
  switch (normalizer) {
    case "inter-ocular":
    case "inter-pupil": {
      if (!scheme?.normalizers)
        throw new InvalidArgumentError(
          `normalizerSize: ${normalizer} needs a scheme; got ${scheme === undefined ? "none" : JSON.stringify(scheme)?.slice(0, 40)}. Pass { scheme: ibug68 } or another.`,
        );
      if (target.length !== scheme.landmarkCount * 2) {
        throw new ShapeError(
          `normalizerSize: a ${scheme.id} shape must have ${scheme.landmarkCount * 2} numbers; got ${target.length}.`,
        );
      }
      const [first, second] = scheme.normalizers[normalizer];
      return distance(target, first, second);
    }
    case "box-geometric":
    case "box-diagonal":
    case "face-size": {
      const [x0, y0, x1, y1] = box ?? tightBox(target);
      const [width, height] = [x1 - x0, y1 - y0];
      if (!(width >= 0 && height >= 0)) return Number.NaN;
      if (normalizer === "box-geometric") return Math.sqrt(width * height);
      return normalizer === "box-diagonal" ? Math.sqrt(width * width + height * height) : (width + height) / 2;
    }
    default: {
      const ends = customEnds(normalizer, target.length / 2);
      if (ends) return distance(target, ends[0], ends[1]);
      const hint = typeof normalizer === "string" ? ` Did you mean ${nearestNames(normalizer, NAMES, 1)[0]}?` : "";
      throw new InvalidArgumentError(
        `normalizerSize: normalizer must be one of ${NAMES.join(", ")} or two landmark indices; got ${JSON.stringify(normalizer)}.${hint}`,
      );
    }
  }
}

/** Two lists of valid indices, or `undefined`. */
function customEnds(normalizer: unknown, landmarkCount: number): [readonly number[], readonly number[]] | undefined {
  if (!Array.isArray(normalizer) || normalizer.length !== 2) return undefined;
  const ends = normalizer.map((end) => (Array.isArray(end) ? end : [end])) as [number[], number[]];
  const valid = ends.every(
    (end) => end.length > 0 && end.every((i) => Number.isInteger(i) && i >= 0 && i < landmarkCount),
  );
  return valid ? ends : undefined;
}
