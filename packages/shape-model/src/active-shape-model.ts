import { checkOptions, InvalidArgumentError, type LandmarkScheme, ShapeError } from "@acr/core";
import { CholeskyDecomposition, Matrix } from "ml-matrix";
import { applySimilarity } from "./apply-similarity.js";
import { readBinary, writeBinary } from "./internal/binary-form.js";
import { checkShape } from "./internal/check-shape.js";
import { fromWindow, type GrayWindow, halve, sampleWindow, toWindow, windowFrame } from "./internal/face-window.js";
import { derivativesAlong, type Neighbours, neighboursOf, normalizedPart, normalsOf } from "./internal/profile.js";
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
  /** Most rounds at each resolution, >= 1. Default 8. */
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

/** Statistics of the profiles of one resolution: K means and K inverse covariances, one after the other. */
interface Level {
  means: Float64Array;
  precisions: Float64Array;
}

/** The profile's covariance gets this share of its mean variance on the diagonal, so that it can be inverted. */
const RIDGE = 0.05;
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
  private readonly start: Float64Array;
  private readonly neighbours: Neighbours;
  private readonly levels: readonly Level[];
  private readonly faceSize: number;
  private readonly profileReach: number;

  private constructor(fields: {
    shapeModel: PointModel;
    start: Float64Array;
    neighbours: Neighbours;
    levels: readonly Level[];
    faceSize: number;
    profileReach: number;
  }) {
    this.shapeModel = fields.shapeModel;
    this.start = fields.start;
    this.neighbours = fields.neighbours;
    this.levels = fields.levels;
    this.faceSize = fields.faceSize;
    this.profileReach = fields.profileReach;
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
    const shapes: Float64Array[] = [];
    const windows: GrayWindow[] = [];
    for await (const { image, landmarks, box } of samples) {
      checkShape(caller, `landmarks of sample ${shapes.length}`, landmarks, shapes[0]?.length ?? landmarks.length);
      const frame = windowFrame(caller, box, faceSize);
      shapes.push(toWindow(landmarks, frame));
      windows.push(sampleWindow(caller, image, frame));
    }
    if (shapes.length < 2)
      throw new InvalidArgumentError(`${caller}: samples must hold at least 2; got ${shapes.length}.`);
    const full = PointModel.fit(shapes, { align: "procrustes", scheme });
    const modes = full.modeCount({ by: "variance", fraction: variance });
    const shapeModel = PointModel.fromJSON({
      ...full.toJSON(),
      modes: full.modes.slice(0, modes).map((mode) => [...mode]),
      eigenvalues: [...full.eigenvalues.slice(0, modes)],
    });
    const start = new Float64Array(shapeModel.mean.length);
    for (const shape of shapes) for (let q = 0; q < start.length; q++) start[q]! += shape[q]! / shapes.length;
    const neighbours = neighboursOf(start, Object.values(scheme?.groups ?? {}));
    const levels: Level[] = [];
    for (let level = 0; level < levelCount; level++) {
      if (level > 0) for (const [i, window] of windows.entries()) windows[i] = halve(window);
      levels.push(learnLevel(windows, shapes, { level, neighbours, profileReach }));
    }
    return new ActiveShapeModel({ shapeModel, start, neighbours, levels, faceSize, profileReach });
  }

  /**
   * Finds the landmarks of the face in a box.
   *
   * @param image - grey, RGB or RGBA bytes.   @param box - `[x0, y0, x1, y1]` in its pixels, as in training.
   * @throws {InvalidArgumentError} a faulty image or box, an option out of range.
   * @example model.search({ data, width, height }, [40, 60, 200, 220]).landmarks;
   */
  search(image: PixelImage, box: ArrayLike<number>, options: ActiveShapeSearchOptions = {}): ActiveShapeResult {
    const caller = "ActiveShapeModel.search";
    checkOptions(caller, options, ["maxIterations", "searchReach", "clip"]);
    const { maxIterations = 8, searchReach = 3, clip = 1.5 } = options;
    checkInteger(caller, "maxIterations", maxIterations, 1, 1000);
    checkInteger(caller, "searchReach", searchReach, 1, 16);
    if (!(clip > 0)) throw new InvalidArgumentError(`${caller}: clip must be > 0; got ${clip}.`);
    const frame = windowFrame(caller, box, this.faceSize);
    const pyramid = [sampleWindow(caller, image, frame)];
    while (pyramid.length < this.levels.length) pyramid.push(halve(pyramid.at(-1)!));
    let shape: Float64Array = this.start.slice();
    let iterations = 0;
    let cost = 0;
    for (let level = this.levels.length - 1; level >= 0; level--) {
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
    const { shapeModel, start, neighbours, levels, faceSize, profileReach } = this;
    return writeBinary({
      kind: KIND,
      header: { formatVersion: 1, shapeModel: shapeModel.toJSON(), neighbours, faceSize, profileReach },
      blocks: {
        start,
        ...Object.fromEntries(levels.map(({ means }, i) => [`means${i}`, means])),
        ...Object.fromEntries(levels.map(({ precisions }, i) => [`precisions${i}`, precisions])),
      },
    });
  }

  /**
   * @throws {InvalidArgumentError} bytes of something else, a newer version, a file cut short, faulty fields.
   * @example ActiveShapeModel.fromBinary(await readFile("face.acrb"));
   */
  static fromBinary(bytes: Uint8Array): ActiveShapeModel {
    const caller = "ActiveShapeModel.fromBinary";
    const { header, blocks } = readBinary(caller, KIND, bytes);
    if (header.formatVersion !== 1)
      throw new InvalidArgumentError(
        `${caller}: formatVersion must be 1; got ${String(header.formatVersion)}. Update @acr/shape-model`,
      );
    const shapeModel = PointModel.fromJSON(header.shapeModel as never);
    const { neighbours, faceSize, profileReach } = header as {
      neighbours: Neighbours;
      faceSize: number;
      profileReach: number;
    };
    const count = shapeModel.landmarkCount;
    checkInteger(caller, "faceSize", faceSize, 16, 512);
    checkInteger(caller, "profileReach", profileReach, 1, 32);
    const isIndex = (k: unknown) => Number.isInteger(k) && (k as number) >= 0 && (k as number) < count;
    if (!(Array.isArray(neighbours) && neighbours.length === count && neighbours.every((pair) => pair.every(isIndex))))
      throw new InvalidArgumentError(`${caller}: neighbours must be ${count} pairs of landmarks.`);
    checkShape(caller, "start", blocks.start ?? [], 2 * count);
    const size = 2 * profileReach + 1;
    const levels: Level[] = [];
    for (let i = 0; blocks[`means${i}`]; i++) {
      const [means, precisions] = [blocks[`means${i}`]!, blocks[`precisions${i}`] ?? new Float64Array()];
      checkShape(caller, `means of level ${i}`, means, count * size);
      checkShape(caller, `precisions of level ${i}`, precisions, count * size * size);
      levels.push({ means, precisions });
    }
    if (levels.length === 0) throw new ShapeError(`${caller}: profiles must have at least one level; got none.`);
    return new ActiveShapeModel({ shapeModel, start: blocks.start!, neighbours, levels, faceSize, profileReach });
  }

  private moveAlongNormals(image: GrayWindow, shape: Float64Array, level: number, searchReach: number) {
    const { means, precisions } = this.levels[level]!;
    const size = 2 * this.profileReach + 1;
    const scale = 2 ** level;
    const normals = normalsOf(shape, this.neighbours);
    const derivatives = new Float64Array(size + 2 * searchReach);
    const part = new Float64Array(size);
    const moved = shape.slice();
    let settled = 0;
    let cost = 0;
    for (let k = 0; k < shape.length / 2; k++) {
      const normal = [normals[2 * k]!, normals[2 * k + 1]!] as const;
      derivativesAlong(image, atLevel(shape, k, scale), normal, this.profileReach + searchReach, derivatives);
      let best = 0;
      let least = Number.POSITIVE_INFINITY;
      for (let offset = -searchReach; offset <= searchReach; offset++) {
        normalizedPart(derivatives, offset + searchReach, part);
        const distance = mahalanobis(part, means, precisions, k);
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

/** Names the binary form. */
const KIND = "ActiveShapeModel";

/** A landmark in the pixels of a level: pixel p lies at 2p + 0.5 one level finer. */
const atLevel = (shape: Float64Array, k: number, scale: number) =>
  [(shape[2 * k]! + 0.5) / scale - 0.5, (shape[2 * k + 1]! + 0.5) / scale - 0.5] as const;

/** Squared Mahalanobis distance of a profile; the precision is symmetric, so half of it is read. */
function mahalanobis(part: Float64Array, means: Float64Array, precisions: Float64Array, k: number) {
  const size = part.length;
  let sum = 0;
  for (let i = 0; i < size; i++) {
    const di = part[i]! - means[k * size + i]!;
    const row = (k * size + i) * size;
    let half = 0.5 * precisions[row + i]! * di;
    for (let j = 0; j < i; j++) half += precisions[row + j]! * (part[j]! - means[k * size + j]!);
    sum += 2 * di * half;
  }
  return sum;
}

function learnLevel(
  windows: readonly GrayWindow[],
  shapes: readonly Float64Array[],
  { level, neighbours, profileReach }: { level: number; neighbours: Neighbours; profileReach: number },
): Level {
  const count = neighbours.length;
  const size = 2 * profileReach + 1;
  const scale = 2 ** level;
  const means = new Float64Array(count * size);
  const products = new Float64Array(count * size * size);
  const derivatives = new Float64Array(size);
  const part = new Float64Array(size);
  for (const [i, window] of windows.entries()) {
    const shape = shapes[i]!;
    const normals = normalsOf(shape, neighbours);
    for (let k = 0; k < count; k++) {
      derivativesAlong(
        window,
        atLevel(shape, k, scale),
        [normals[2 * k]!, normals[2 * k + 1]!],
        profileReach,
        derivatives,
      );
      normalizedPart(derivatives, 0, part);
      for (let p = 0; p < size; p++) {
        means[k * size + p]! += part[p]! / windows.length;
        for (let q = 0; q < size; q++) products[(k * size + p) * size + q]! += (part[p]! * part[q]!) / windows.length;
      }
    }
  }
  const precisions = new Float64Array(count * size * size);
  for (let k = 0; k < count; k++) {
    const covariance = Matrix.zeros(size, size);
    for (let p = 0; p < size; p++)
      for (let q = 0; q < size; q++)
        covariance.set(p, q, products[(k * size + p) * size + q]! - means[k * size + p]! * means[k * size + q]!);
    const ridge = (RIDGE * covariance.trace()) / size + 1e-9;
    const inverse = new CholeskyDecomposition(covariance.add(Matrix.eye(size).mul(ridge))).solve(Matrix.eye(size));
    precisions.set(inverse.to1DArray(), k * size * size);
  }
  return { means, precisions };
}

function checkInteger(caller: string, name: string, value: number, low: number, high: number): void {
  if (!(Number.isInteger(value) && value >= low && value <= high))
    throw new InvalidArgumentError(`${caller}: ${name} must be an integer from ${low} to ${high}; got ${value}.`);
}
