import { checkOptions, createRandom, InvalidArgumentError, type LandmarkScheme, ShapeError } from "@acr/core";
import { alignShapes } from "./align-shapes.js";
import { readBinary, writeBinary } from "./internal/binary-form.js";
import { checkShape } from "./internal/check-shape.js";
import { covarianceDivisor, decomposeCovariance, SAME } from "./internal/decompose.js";
import type { PointModelFields } from "./internal/point-model-fields.js";
import { checkFields } from "./internal/point-model-form.js";
import { ShapeSum } from "./internal/shape-sum.js";

/** Options of `PointModel.builder`. */
export interface BuilderOptions {
  /** Keep at most this many modes, >= 1. The total variance stays that of all. Default: all. */
  maxModes?: number;
  /** Numbering of the landmarks; the model remembers its id, so that `checkScheme` can refuse other data. Default: unknown. */
  scheme?: LandmarkScheme;
}

/** Options of `PointModel.fit`. */
export interface FitOptions extends BuilderOptions {
  /** `"procrustes"` first moves, turns and scales all shapes onto their mean (`alignShapes`). Default `"none"`. */
  align?: "none" | "procrustes";
  /** One number > 0 a shape; only their ratios count. Alignment does not see them. Default: all equal. */
  weights?: Iterable<number>;
}

/** Takes shapes one by one, from wherever they come, in memory that does not grow with their number. */
export interface PointModelBuilder {
  /** Shapes so far. */
  readonly count: number;
  /** Adds a flat shape.   @throws {ShapeError | InvalidArgumentError} as `PointModel.fit`. */
  add(shape: ArrayLike<number>, options?: { weight?: number }): void;
  /** The model of all shapes so far; more may follow. */
  build(): PointModel;
}

/** How many modes to use. */
export interface ModeOptions {
  /** The first this many modes, 0 … modeCount. Default: all. */
  modes?: number;
}

/** Options of `project`. */
export interface ProjectOptions extends ModeOptions {
  /** Limit of the coefficients in standard deviations, > 0; `false` for none. Default `false`. */
  clip?: number | false;
  /**
   * What `clip` limits: each coefficient for itself (`"box"`), or the Mahalanobis distance of all together, by scaling
   * them (`"ellipsoid"`). Default `"box"`, as in the paper.
   */
  region?: "box" | "ellipsoid";
}

/** Options of `smooth`. */
export interface SmoothOptions extends Omit<ProjectOptions, "clip"> {
  /** Coefficients are limited to ± this many standard deviations; `false` for no limit. Default 3. */
  clip?: number | false;
}

/** One row of the table of explained variance. */
export interface ExplainedVariance {
  /** How many modes, from 1. */
  modes: number;
  /** Variance of the last of them. */
  eigenvalue: number;
  /** Its share of the total variance. */
  ratio: number;
  /** Share of all of them. */
  cumulativeRatio: number;
}

/** Options of `difficulty`. */
export interface DifficultyOptions extends SmoothOptions {
  /** One value a coordinate (2K) or, from Euclidean distances, a landmark (K). Default `"coordinate"`. */
  unit?: "coordinate" | "landmark";
}

/** A `PointModel` as JSON. */
export interface PointModelJson {
  formatVersion: 1;
  mean: number[];
  eigenvalues: number[];
  /** One row a mode. */
  modes: number[][];
  totalVariance: number;
  sampleCount: number;
  /** Absent: all weights were 1. */
  weightSums?: [number, number];
  /** Id of the landmark scheme; absent: unknown. */
  scheme?: string;
}

/**
 * Point distribution model (Cootes and Taylor 1992): mean shape, modes of variation and their variances, by principal
 * component analysis (ml-pca, singular value decomposition).
 *
 *   face ≈ mean + Vᵀ b,   b = V (face − mean)                      (arXiv:2203.15835, Eqs. 1 and 2)
 *
 * Shapes are flat `[x0, y0, …]`; they keep the frame they come in, and nothing is aligned unless the caller does so.
 * Covariances divide by n − 1.
 *
 * @example
 * const model = PointModel.fit(shapes);
 * const phi = model.difficulty(face, { modes: model.modeCount({ by: "variance", fraction: 0.8 }) });
 */
export class PointModel {
  /** Mean shape, 2K. */
  readonly mean: Float64Array;
  /** Variance of each mode, largest first. */
  readonly eigenvalues: Float64Array;
  /** Unit vectors, one row of 2K a mode; the sign is arbitrary. */
  readonly modes: readonly Float64Array[];
  /** Sum of the variances of all coordinates, kept when modes are dropped. */
  readonly totalVariance: number;
  /** Shapes the model was fitted on. */
  readonly sampleCount: number;
  /** Sums of their weights and of the squared weights; both are `sampleCount` without weights. */
  readonly weightSums: readonly [number, number];
  /** Id of the landmark scheme, where `fit` was told. */
  readonly scheme: string | undefined;

  private constructor(fields: PointModelFields) {
    this.mean = fields.mean;
    this.eigenvalues = fields.eigenvalues;
    this.modes = fields.modes;
    this.totalVariance = fields.totalVariance;
    this.sampleCount = fields.sampleCount;
    this.weightSums = fields.weightSums;
    this.scheme = fields.scheme;
  }

  /** K. */
  get landmarkCount(): number {
    return this.mean.length / 2;
  }

  /**
   * Fits a model.
   *
   * An array or any other iterable will do. Shapes are read once; with more than 4 shapes a coordinate only their
   * covariance is held, so a generator over a million faces needs no more memory than one over a thousand.
   *
   * @param shapes - at least 2 flat shapes of one length.
   * @throws {ShapeError} lengths differ or are odd.
   * @throws {InvalidArgumentError} fewer than 2 shapes, a number that is not finite, no variance at all, an unknown option,
   *   or `align: "procrustes"` with an iterable, which it would have to read again and again.
   * @example const model = PointModel.fit(shapes, { align: "procrustes" });
   */
  static fit(shapes: Iterable<ArrayLike<number>>, options: FitOptions = {}): PointModel {
    checkOptions("PointModel.fit", options, ["align", "weights", "maxModes", "scheme"]);
    const { align = "none", weights, ...builderOptions } = options;
    if (align !== "none" && align !== "procrustes") {
      throw new InvalidArgumentError(
        `PointModel.fit: align must be "none" or "procrustes"; got ${JSON.stringify(align)}.`,
      );
    }
    for (const [name, value] of [
      ["shapes", shapes],
      ["weights", weights ?? []],
    ] as const) {
      if (typeof value?.[Symbol.iterator] !== "function")
        throw new InvalidArgumentError(`PointModel.fit: ${name} must be an iterable; got ${typeof value}.`);
    }
    if (align === "procrustes" && !Array.isArray(shapes)) {
      throw new InvalidArgumentError(
        'PointModel.fit: align: "procrustes" needs all shapes at once; expected an array.',
      );
    }
    const builder = createBuilder("PointModel.fit", builderOptions);
    const weight = weights?.[Symbol.iterator]();
    for (const shape of align === "procrustes" ? alignShapes(shapes as ArrayLike<number>[]).shapes : shapes) {
      const next = weight?.next();
      if (next?.done)
        throw new InvalidArgumentError(
          `PointModel.fit: weights must hold one number a shape; got ${builder.count} and more shapes.`,
        );
      builder.add(shape, next?.value);
    }
    if (weight && !weight.next().done)
      throw new InvalidArgumentError(
        `PointModel.fit: weights must hold one number a shape; got more than ${builder.count}.`,
      );
    return new PointModel(builder.finish());
  }

  /**
   * Fits a model from shapes as they come, for example read from disk one after the other.
   *
   * @throws {InvalidArgumentError} an unknown option, maxModes < 1; `build` as `fit`.
   * @example
   * const builder = PointModel.builder({ scheme: ibug68 });
   * for await (const face of faces) builder.add(face.landmarks);
   * const model = builder.build();
   */
  static builder(options: BuilderOptions = {}): PointModelBuilder {
    checkOptions("PointModel.builder", options, ["maxModes", "scheme"]);
    const builder = createBuilder("PointModel.builder", options);
    return {
      get count() {
        return builder.count;
      },
      add(shape, addOptions = {}) {
        checkOptions("PointModelBuilder.add", addOptions, ["weight"]);
        builder.add(shape, addOptions.weight);
      },
      build: () => new PointModel(builder.finish()),
    };
  }

  /**
   * The model of two sets of shapes from their models, as if it had been fitted on all shapes together.
   *
   * @throws {ShapeError} different numbers of landmarks.
   * @throws {InvalidArgumentError} different schemes, or a model was truncated by `maxModes`: the variance it dropped is lost.
   * @example PointModel.merge(PointModel.fit(monday), PointModel.fit(tuesday));
   */
  static merge(first: PointModel, second: PointModel): PointModel {
    const length = first.mean.length;
    if (second.mean.length !== length) {
      throw new ShapeError(`PointModel.merge: both must have ${length / 2} landmarks; got ${second.landmarkCount}.`);
    }
    if (first.scheme !== second.scheme) {
      throw new InvalidArgumentError(
        `PointModel.merge: both must have the scheme ${first.scheme ?? "(unknown)"}; got ${second.scheme ?? "(unknown)"}.`,
      );
    }
    for (const model of [first, second]) {
      if (model.modes.length < Math.min(model.sampleCount - 1, length)) {
        throw new InvalidArgumentError(
          `PointModel.merge: models must hold all their modes; got ${model.modes.length}. Fit without maxModes.`,
        );
      }
    }
    const weightSums = [0, 1].map((i) => first.weightSums[i]! + second.weightSums[i]!) as [number, number];
    const divisor = covarianceDivisor(weightSums);
    const covariance = new Float64Array(length * length);
    const addOuter = (vector: Float64Array, weight: number) => {
      for (let p = 0; p < length; p++) {
        const value = (weight * vector[p]!) / divisor;
        for (let q = 0; q < length; q++) covariance[p * length + q]! += value * vector[q]!;
      }
    };
    for (const model of [first, second]) {
      const own = covarianceDivisor(model.weightSums);
      for (const [i, mode] of model.modes.entries()) addOuter(mode, model.eigenvalues[i]! * own);
    }
    const apart = first.mean.map((value, q) => second.mean[q]! - value);
    const share = second.weightSums[0] / weightSums[0];
    addOuter(apart, first.weightSums[0] * share);
    return new PointModel(
      decomposeCovariance(covariance, {
        caller: "PointModel.merge",
        mean: first.mean.map((value, q) => value + apart[q]! * share),
        sampleCount: first.sampleCount + second.sampleCount,
        weightSums,
        scheme: first.scheme,
        maxModes: Number.POSITIVE_INFINITY,
      }),
    );
  }

  /**
   * @throws {InvalidArgumentError} a newer formatVersion, or fields that are missing, of unequal length or not finite.
   * @example PointModel.fromJSON(JSON.parse(await readFile("model.json", "utf8")));
   */
  static fromJSON(json: PointModelJson): PointModel {
    return new PointModel(checkFields("PointModel.fromJSON", json as unknown as { [name: string]: unknown }));
  }

  /** Exact: every float64 comes back as it was. */
  toJSON(): PointModelJson {
    const { mean, eigenvalues, modes, totalVariance, sampleCount, weightSums, scheme } = this;
    return {
      formatVersion: 1,
      mean: [...mean],
      eigenvalues: [...eigenvalues],
      modes: modes.map((mode) => [...mode]),
      totalVariance,
      sampleCount,
      ...(weightSums.every((sum) => sum === sampleCount) ? {} : { weightSums: [...weightSums] as [number, number] }),
      ...(scheme === undefined ? {} : { scheme }),
    };
  }

  /**
   * The model as bytes, exact, in less than half the size of its JSON.
   *
   * @example await writeFile("model.acrb", model.toBinary());
   */
  toBinary(): Uint8Array {
    const { mean, eigenvalues, modes: _, ...header } = this.toJSON();
    const modes = new Float64Array(eigenvalues.length * mean.length);
    this.modes.forEach((mode, i) => modes.set(mode, i * mean.length));
    return writeBinary({ kind: KIND, header, blocks: { mean: this.mean, eigenvalues: this.eigenvalues, modes } });
  }

  /**
   * @throws {InvalidArgumentError} bytes of something else, a newer version, a file cut short, faulty fields.
   * @example PointModel.fromBinary(await readFile("model.acrb"));
   */
  static fromBinary(bytes: Uint8Array): PointModel {
    const { header, blocks } = readBinary("PointModel.fromBinary", KIND, bytes);
    const { mean, eigenvalues, modes: all } = blocks;
    const modes = Array.from(eigenvalues ?? [], (_, i) => all?.slice(i * mean!.length, (i + 1) * mean!.length));
    return new PointModel(checkFields("PointModel.fromBinary", { ...header, mean, eigenvalues, modes }));
  }

  /**
   * Refuses data of another landmark scheme.
   *
   * @throws {InvalidArgumentError} the model knows its scheme, and it is another.   @throws {ShapeError} another number of landmarks.
   * @example model.checkScheme(dataset.scheme);
   */
  checkScheme(scheme: LandmarkScheme): void {
    if (this.scheme !== undefined && this.scheme !== scheme.id) {
      throw new InvalidArgumentError(
        `PointModel.checkScheme: the model was fitted on ${this.scheme}; got data of ${scheme.id}. Fit a model on such data.`,
      );
    }
    if (this.landmarkCount !== scheme.landmarkCount) {
      throw new ShapeError(
        `PointModel.checkScheme: the model has ${this.landmarkCount} landmarks; got ${scheme.landmarkCount} (${scheme.id}).`,
      );
    }
  }

  /**
   * Number of modes for a share of the modes this model holds (`by: "count"`, rounded, at least one) or of the total
   * variance (`by: "variance"`, the fewest that reach it). The two readings of "80 %" differ widely.
   *
   * @throws {InvalidArgumentError} fraction outside (0, 1], an unknown `by`, or a variance that a truncated model does not hold.
   * @example model.modeCount({ by: "variance", fraction: 0.9 });
   */
  modeCount(options: { by: "variance" | "count"; fraction: number }): number {
    checkOptions("PointModel.modeCount", options, ["by", "fraction"]);
    const { by, fraction } = options;
    if (!(fraction > 0 && fraction <= 1)) {
      throw new InvalidArgumentError(`PointModel.modeCount: fraction must be in (0, 1]; got ${fraction}.`);
    }
    if (by === "count") return Math.max(1, Math.round(fraction * this.modes.length));
    if (by !== "variance") {
      throw new InvalidArgumentError(
        `PointModel.modeCount: by must be "variance" or "count"; got ${JSON.stringify(by)}.`,
      );
    }
    let sum = 0;
    for (let k = 0; k < this.eigenvalues.length; k++) {
      sum += this.eigenvalues[k]!;
      // The last digit of a sum must not ask for one more mode.
      if (sum / this.totalVariance >= fraction - 1e-12) return k + 1;
    }
    throw new InvalidArgumentError(
      `PointModel.modeCount: fraction must be at most ${sum / this.totalVariance}, what the ${this.modes.length} modes kept explain; got ${fraction}. Fit with more modes.`,
    );
  }

  /**
   * How much of the variance each mode explains, and all up to it.
   *
   * @example console.table(model.explainedVariance().slice(0, 5));
   */
  explainedVariance(): ExplainedVariance[] {
    let sum = 0;
    return Array.from(this.eigenvalues, (eigenvalue, i) => {
      sum += eigenvalue;
      return {
        modes: i + 1,
        eigenvalue,
        ratio: eigenvalue / this.totalVariance,
        cumulativeRatio: sum / this.totalVariance,
      };
    });
  }

  /**
   * Coefficients b of a shape (Eq. 2), by default not limited.
   *
   * @returns `modes` numbers, in units of the shape's frame.
   * @throws {ShapeError} another length.   @throws {InvalidArgumentError} a number that is not finite, an option out of range.
   * @example model.project(face, { modes: 12, clip: 3 });
   */
  project(shape: ArrayLike<number>, options: ProjectOptions = {}): Float64Array {
    checkOptions("PointModel.project", options, ["modes", "clip", "region"]);
    const k = this.checkModes("project", options.modes);
    const { clip = false, region = "box" } = options;
    if (clip !== false && !(clip > 0)) {
      throw new InvalidArgumentError(`PointModel.project: clip must be > 0 or false; got ${String(clip)}.`);
    }
    if (region !== "box" && region !== "ellipsoid") {
      throw new InvalidArgumentError(
        `PointModel.project: region must be "box" or "ellipsoid"; got ${JSON.stringify(region)}.`,
      );
    }
    checkShape("PointModel.project", "shape", shape, this.mean.length);
    const coefficients = Float64Array.from({ length: k }, (_, i) => {
      const mode = this.modes[i]!;
      let b = 0;
      for (let q = 0; q < mode.length; q++) b += mode[q]! * (shape[q]! - this.mean[q]!);
      return b;
    });
    if (clip === false) return coefficients;
    if (region === "ellipsoid") {
      const distance = Math.sqrt(this.squaredDistance(coefficients));
      return distance > clip ? coefficients.map((b) => (b * clip) / distance) : coefficients;
    }
    return coefficients.map((b, i) => {
      const limit = clip * Math.sqrt(this.eigenvalues[i]!);
      return Math.min(limit, Math.max(-limit, b));
    });
  }

  /**
   * The shape with these coefficients; absent ones are 0, so that none give the mean.
   *
   * @throws {InvalidArgumentError} more coefficients than modes, or one that is not finite.
   * @example model.reconstruct(model.project(face)); // face, within what the modes can express
   */
  reconstruct(coefficients: ArrayLike<number>): Float64Array {
    this.checkModes("reconstruct", coefficients.length);
    const shape = this.mean.slice();
    for (let i = 0; i < coefficients.length; i++) {
      const mode = this.modes[i]!;
      const b = coefficients[i]!;
      if (!Number.isFinite(b)) {
        throw new InvalidArgumentError(`PointModel.reconstruct: coefficients[${i}] must be finite; got ${b}.`);
      }
      for (let q = 0; q < shape.length; q++) shape[q]! += b * mode[q]!;
    }
    return shape;
  }

  /**
   * The smooth face (Eq. 3): the first k modes, each coefficient limited to ±clip·√eigenvalue. k = 0 gives the mean.
   * Of all shapes the limits allow it is the nearest to the face, for modes are orthogonal.
   *
   * @throws {ShapeError | InvalidArgumentError} as `project`.
   * @example model.smooth(face, { modes: 12 });
   */
  smooth(shape: ArrayLike<number>, options: SmoothOptions = {}): Float64Array {
    return this.reconstruct(this.project(shape, { clip: 3, ...withoutUndefined(options) }));
  }

  /**
   * Difficulty Φ (Eq. 4): distance of each coordinate, or landmark, from the smooth face, divided by the largest; 0
   * everywhere for a face that equals its smooth face.
   *
   * @returns 2K or K values in [0, 1].
   * @throws {ShapeError | InvalidArgumentError} as `project`, or an unknown unit.
   * @example model.difficulty(face, { modes: 12, unit: "landmark" });
   */
  difficulty(shape: ArrayLike<number>, options: DifficultyOptions = {}): Float64Array {
    const { unit = "coordinate", ...smoothOptions } = options;
    if (unit !== "coordinate" && unit !== "landmark") {
      throw new InvalidArgumentError(
        `PointModel.difficulty: unit must be "coordinate" or "landmark"; got ${JSON.stringify(unit)}.`,
      );
    }
    const smooth = this.smooth(shape, smoothOptions);
    const distances =
      unit === "coordinate"
        ? smooth.map((value, q) => Math.abs(value - shape[q]!))
        : Float64Array.from({ length: this.landmarkCount }, (_, k) =>
            Math.hypot(smooth[2 * k]! - shape[2 * k]!, smooth[2 * k + 1]! - shape[2 * k + 1]!),
          );
    const largest = distances.reduce((max, value) => Math.max(max, value), 0);
    const size = Array.from(shape).reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    return largest <= SAME * size ? new Float64Array(distances.length) : distances.map((value) => value / largest);
  }

  /**
   * Squared Mahalanobis distance from the mean, Σ b_i² / λ_i over the first modes: how unusual a face is. For shapes like
   * the model's own it follows a χ² law with `modes` degrees of freedom; wrong labels stand far out.
   *
   * Modes that hold no variance beyond rounding are left out, as they would turn noise into distance.
   *
   * @throws {ShapeError | InvalidArgumentError} as `project`.
   * @example model.mahalanobisSquared(face, { modes: 20 });
   */
  mahalanobisSquared(shape: ArrayLike<number>, options: ModeOptions = {}): number {
    checkOptions("PointModel.mahalanobisSquared", options, ["modes"]);
    return this.squaredDistance(this.project(shape, options));
  }

  /**
   * A random shape: coefficients normal with the modes' variances, limited to ±3 standard deviations.
   *
   * @param seed - the same seed gives the same shape.
   * @example model.sample(1);
   */
  sample(seed: number | string): Float64Array {
    const random = createRandom(seed).fork("PointModel.sample");
    return this.reconstruct(
      Float64Array.from(this.eigenvalues, (value) => Math.sqrt(value) * Math.min(3, Math.max(-3, random.normal()))),
    );
  }

  private squaredDistance(coefficients: Float64Array): number {
    const least = Number.EPSILON * this.mean.length * this.eigenvalues[0]!;
    return coefficients.reduce(
      (sum, b, i) => (this.eigenvalues[i]! > least ? sum + (b * b) / this.eigenvalues[i]! : sum),
      0,
    );
  }

  private checkModes(method: string, modes = this.modes.length): number {
    if (!Number.isInteger(modes) || modes < 0 || modes > this.modes.length) {
      throw new InvalidArgumentError(
        `PointModel.${method}: modes must be an integer from 0 to ${this.modes.length}; got ${modes}.`,
      );
    }
    return modes;
  }
}

/** Names the binary form. */
const KIND = "PointModel";

function createBuilder(caller: string, { maxModes = Number.POSITIVE_INFINITY, scheme }: BuilderOptions) {
  if (!(maxModes === Number.POSITIVE_INFINITY || (Number.isInteger(maxModes) && maxModes >= 1)))
    throw new InvalidArgumentError(`${caller}: maxModes must be an integer >= 1; got ${maxModes}.`);
  const sum = new ShapeSum(caller, scheme);
  return {
    get count() {
      return sum.count;
    },
    add: (shape: ArrayLike<number>, weight?: number) => sum.add(shape, weight),
    finish: () => sum.finish(maxModes),
  };
}

/** An option given as `undefined` must not hide the default. */
const withoutUndefined = <T extends object>(options: T) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
