import { checkOptions, InvalidArgumentError, type LandmarkScheme, ShapeError } from "@acr/core";
import { applySimilarity } from "./apply-similarity.js";
import { type ActiveShapeFields, readActiveShape, writeActiveShape } from "./internal/active-shape-form.js";
import { checkInteger } from "./internal/check-integer.js";
import { checkShape } from "./internal/check-shape.js";
import { type GrayWindow, halve, sampleWindow } from "./internal/gray-window.js";
import { derivativesAlong, normalizedPart, normalsOf } from "./internal/profile.js";
import { ProfileLearner } from "./internal/profile-learner.js";
import { atLevel, profileDistance } from "./internal/profile-level.js";
import { fromWindow, toWindow, windowFrame } from "./internal/window-frame.js";
import { invertSimilarity } from "./invert-similarity.js";
import type { PixelImage } from "./pixel-image.js";
import { PointModel } from "./point-model.js";
import { similarityBetween } from "./similarity-between.js";

/** One annotated face; a `Face` of a data set is one. */
export interface ActiveShapeSample {
  /** Grey, RGB or RGBA bytes. */
  image: PixelImage;
  /** Flat, `pixel` frame of the image. */
  landmarks: ArrayLike<number>;
  /** `[x0, y0, x1, y1]`, from the detector that will be used for searching. */
  box: ArrayLike<number>;
}

/** Options of `ActiveShapeModel.fit`. */
export interface ActiveShapeFitOptions {
  /** Its groups are the contours on whose normals is searched, and the model remembers its id. Default: contours by number. */
  scheme?: LandmarkScheme;
  /** Width of the box in pixels at the finest resolution, 16 … 512. Default 96. */
  faceSize?: number;
  /** Resolutions, each half the one before, 1 … 5. Default 3. */
  levels?: number;
  /** Samples on either side of a landmark that describe it, 1 … 32. Default 8. */
  profileReach?: number;
  /** Share of the shapes' variance that the modes keep, in (0, 1]. Default 0.9. */
  variance?: number;
}

/** Options of `search`. */
export interface ActiveShapeSearchOptions {
  /** Most rounds at each resolution, >= 1. Default 16. */
  maxIterations?: number;
  /** Samples searched on either side of a landmark, 1 … 16. Default 3. */
  searchReach?: number;
  /** Coefficients are limited to ± this many standard deviations, > 0. Default 1.5. */
  clip?: number;
}

/** What `search` found. */
export interface ActiveShapeResult {
  /** Flat, `pixel` frame of the image. */
  landmarks: Float64Array;
  /** Rounds at all resolutions together. */
  iterations: number;
  /** Mean squared Mahalanobis distance of the profiles per sample, at the finest resolution: lower is better. */
  cost: number;
}

/** A resolution is done when this share of the landmarks stays within half the search reach. */
const SETTLED = 0.95;

/**
 * Active shape model (Cootes et al. 1995; Cootes and Taylor 2004): the classical way to fit landmarks, without any
 * network, as a baseline.
 *
 * Each landmark has, at each resolution, the mean and covariance of the normalised grey-level derivatives along its
 * contour's normal. Searching moves every landmark to the best place on its normal, then takes the nearest shape that
 * the point model allows, from coarse to fine.
 *
 * Frames: everything given and returned is in source pixels. Inside, the face box is `faceSize` pixels wide.
 *
 * @see Cootes, Taylor, Cooper and Graham, CVIU 61(1), 1995; Cootes and Taylor, Statistical Models of Appearance for
 *   Computer Vision, 2004. Deviations: the search starts from the mean shape within its box.
 * @example
 * const model = await ActiveShapeModel.fit(faces, { scheme: ibug68 });
 * const { landmarks } = model.search(image, [40, 60, 200, 220]);
 */
export class ActiveShapeModel {
  /** Shapes in the window's frame after Procrustes alignment. */
  readonly shapeModel: PointModel;
  private readonly fields: ActiveShapeFields;

  private constructor(fields: ActiveShapeFields) {
    this.fields = fields;
    this.shapeModel = fields.shapeModel;
  }

  /**
   * Learns shapes and profiles.
   *
   * @param samples - at least 2, read once; an iterable or an async one such as a data set.
   * @throws {ShapeError} lengths differ or do not suit the scheme.
   * @throws {InvalidArgumentError} fewer than 2 samples, a faulty image, box or number, an option out of range.
   * @example const model = await ActiveShapeModel.fit(faces, { scheme: faces.scheme });
   */
  static async fit(
    samples: Iterable<ActiveShapeSample> | AsyncIterable<ActiveShapeSample>,
    options: ActiveShapeFitOptions = {},
  ): Promise<ActiveShapeModel> {
    const caller = "ActiveShapeModel.fit";
    checkOptions(caller, options, ["scheme", "faceSize", "levels", "profileReach", "variance"]);
    const { scheme, faceSize = 96, levels: levelCount = 3, profileReach = 8, variance = 0.9 } = options;
    checkInteger(caller, "faceSize", faceSize, 16, 512);
    checkInteger(caller, "levels", levelCount, 1, 5);
    checkInteger(caller, "profileReach", profileReach, 1, 32);
    if (!(variance > 0 && variance <= 1))
      throw new InvalidArgumentError(`${caller}: variance must be in (0, 1]; got ${variance}.`);
    const shapes: Float64Array[] = [];
    const learner = new ProfileLearner({
      levelCount,
      reach: profileReach,
      contours: Object.values(scheme?.groups ?? {}),
    });
    const isIterable =
      typeof (samples as AsyncIterable<unknown>)?.[Symbol.asyncIterator] === "function" ||
      typeof (samples as Iterable<unknown>)?.[Symbol.iterator] === "function";
    if (!isIterable) throw new InvalidArgumentError(`${caller}: samples must be an iterable; got ${typeof samples}.`);
    for await (const sample of samples) {
      if (sample === null || typeof sample !== "object")
        throw new InvalidArgumentError(
          `${caller}: sample ${shapes.length} must hold image, landmarks and box; got ${String(sample)}.`,
        );
      const { image, landmarks, box } = sample;
      const length = scheme ? 2 * scheme.landmarkCount : (shapes[0]?.length ?? landmarks?.length ?? 0);
      if (length === 0 || length % 2 !== 0)
        throw new ShapeError(`${caller}: landmarks must hold 2K numbers; got ${landmarks?.length ?? "none"}.`);
      checkShape(caller, `landmarks of sample ${shapes.length}`, landmarks, length);
      const frame = windowFrame(caller, box, faceSize);
      const shape = toWindow(landmarks, frame);
      shapes.push(shape);
      learner.add(sampleWindow(caller, image, frame), shape);
    }
    if (shapes.length < 2)
      throw new InvalidArgumentError(`${caller}: samples must hold at least 2; got ${shapes.length}.`);
    const full = PointModel.fit(shapes, { align: "procrustes", scheme });
    const start = new Float64Array(full.mean.length);
    for (const shape of shapes) for (let q = 0; q < start.length; q++) start[q]! += shape[q]! / shapes.length;
    return new ActiveShapeModel({
      shapeModel: full.truncate({ modes: full.modeCount({ by: "variance", fraction: variance }) }),
      start,
      faceSize,
      profileReach,
      ...learner.finish(),
    });
  }

  /**
   * Finds the landmarks of the face in a box.
   *
   * @param image - grey, RGB or RGBA bytes.   @param box - `[x0, y0, x1, y1]` in its pixels, as in training.
   * @throws {InvalidArgumentError} a faulty image, a box that is faulty, beside the picture or far larger, an option out of range.
   * @example model.search({ data, width, height }, [40, 60, 200, 220]).landmarks;
   */
  search(image: PixelImage, box: ArrayLike<number>, options: ActiveShapeSearchOptions = {}): ActiveShapeResult {
    const caller = "ActiveShapeModel.search";
    checkOptions(caller, options, ["maxIterations", "searchReach", "clip"]);
    const { maxIterations = 16, searchReach = 3, clip = 1.5 } = options;
    checkInteger(caller, "maxIterations", maxIterations, 1, 1000);
    checkInteger(caller, "searchReach", searchReach, 1, 16);
    if (!(clip > 0)) throw new InvalidArgumentError(`${caller}: clip must be > 0; got ${clip}.`);
    const { faceSize, levels, start } = this.fields;
    const frame = windowFrame(caller, box, faceSize);
    const pyramid = [sampleWindow(caller, image, frame)];
    while (pyramid.length < levels.length) pyramid.push(halve(pyramid.at(-1)!));
    let shape: Float64Array = start.slice();
    let iterations = 0;
    let cost = 0;
    for (let level = levels.length - 1; level >= 0; level--) {
      for (let round = 0; round < maxIterations; round++) {
        const moved = this.moveAlongNormals(pyramid[level]!, shape, level, searchReach);
        shape = this.nearestAllowed(moved.shape, clip);
        cost = moved.cost;
        iterations++;
        if (moved.settled >= SETTLED) break;
      }
    }
    return { landmarks: fromWindow(shape, frame), iterations, cost };
  }

  /**
   * All of the model as bytes, exact.
   *
   * @example await writeFile("face.acrb", model.toBinary());
   */
  toBinary(): Uint8Array {
    return writeActiveShape(this.fields);
  }

  /**
   * @throws {InvalidArgumentError} bytes of something else, a newer version, a file cut short, faulty fields.
   * @example ActiveShapeModel.fromBinary(await readFile("face.acrb"));
   */
  static fromBinary(bytes: Uint8Array): ActiveShapeModel {
    return new ActiveShapeModel(readActiveShape("ActiveShapeModel.fromBinary", bytes));
  }

  private moveAlongNormals(image: GrayWindow, shape: Float64Array, level: number, searchReach: number) {
    const { levels, neighbours, profileReach } = this.fields;
    const size = 2 * profileReach + 1;
    const scale = 2 ** level;
    const normals = normalsOf(shape, neighbours);
    const derivatives = new Float64Array(size + 2 * searchReach);
    const part = new Float64Array(size);
    const moved = shape.slice();
    let settled = 0;
    let cost = 0;
    for (let k = 0; k < shape.length / 2; k++) {
      const normal = [normals[2 * k]!, normals[2 * k + 1]!] as const;
      derivativesAlong(image, atLevel(shape, k, scale), normal, profileReach + searchReach, derivatives);
      let best = 0;
      let least = Number.POSITIVE_INFINITY;
      for (let offset = -searchReach; offset <= searchReach; offset++) {
        normalizedPart(derivatives, offset + searchReach, part);
        const distance = profileDistance(part, levels[level]!, k);
        if (distance < least) [least, best] = [distance, offset];
      }
      moved[2 * k]! += best * scale * normal[0];
      moved[2 * k + 1]! += best * scale * normal[1];
      if (Math.abs(best) <= searchReach / 2) settled++;
      cost += least / size;
    }
    return { shape: moved, settled: settled / (shape.length / 2), cost: cost / (shape.length / 2) };
  }

  /** Pose and form in turn; three rounds bring both within a hundredth of a pixel. */
  private nearestAllowed(shape: Float64Array, clip: number): Float64Array {
    let allowed = this.shapeModel.mean;
    let pose = similarityBetween(allowed, shape);
    for (let round = 0; round < 3; round++) {
      allowed = this.shapeModel.smooth(applySimilarity(invertSimilarity(pose), shape), { clip });
      pose = similarityBetween(allowed, shape);
    }
    return applySimilarity(pose, allowed);
  }
}
