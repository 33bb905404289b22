import { checkOptions, createRandom, InvalidArgumentError, ShapeError } from "@acr/core";
import { Matrix } from "ml-matrix";
import { PCA } from "ml-pca";
import { alignShapes } from "./align-shapes.js";
import { checkShape } from "./internal/check-shape.js";
import { Scatter } from "./internal/scatter.js";

/** Options of `PointModel.fit`. */
export interface FitOptions {
  /** `"procrustes"` first moves, turns and scales all shapes onto their mean (`alignShapes`). Default `"none"`. */
  align?: "none" | "procrustes";
  /** Keep at most this many modes, >= 1. The total variance stays that of all. Default: all. */
  maxModes?: number;
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
}

/** A face is taken to equal its smooth face when no coordinate differs by more than this share of the face's size. */
const SAME = 1e-12;

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
  private constructor(
    /** Mean shape, 2K. */
    readonly mean: Float64Array,
    /** Variance of each mode, largest first. */
    readonly eigenvalues: Float64Array,
    /** Unit vectors, one row of 2K a mode; the sign is arbitrary. */
    readonly modes: readonly Float64Array[],
    /** Sum of the variances of all coordinates, kept when modes are dropped. */
    readonly totalVariance: number,
    /** Shapes the model was fitted on. */
    readonly sampleCount: number,
  ) {}

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
    checkOptions("PointModel.fit", options, ["align", "maxModes"]);
    const { align = "none", maxModes = Number.POSITIVE_INFINITY } = options;
    if (!(maxModes === Number.POSITIVE_INFINITY || (Number.isInteger(maxModes) && maxModes >= 1))) {
      throw new InvalidArgumentError(`PointModel.fit: maxModes must be an integer >= 1; got ${maxModes}.`);
    }
    if (align !== "none" && align !== "procrustes") {
      throw new InvalidArgumentError(
        `PointModel.fit: align must be "none" or "procrustes"; got ${JSON.stringify(align)}.`,
      );
    }
    if (typeof shapes?.[Symbol.iterator] !== "function") {
      throw new InvalidArgumentError(
        `PointModel.fit: shapes must be an iterable of flat shapes; got ${typeof shapes}.`,
      );
    }
    if (align === "procrustes") {
      if (!Array.isArray(shapes)) {
        throw new InvalidArgumentError(
          'PointModel.fit: align: "procrustes" needs all shapes at once; expected an array.',
        );
      }
      return PointModel.fit(alignShapes(shapes).shapes, { maxModes });
    }
    const rows: Float64Array[] = [];
    let scatter: Scatter | undefined;
    let count = 0;
    let length = 0;
    for (const shape of shapes) {
      if (count === 0) {
        length = shape.length;
        if (length === 0 || length % 2 !== 0) {
          throw new ShapeError(`PointModel.fit: shapes must hold 2K numbers; got ${length}.`);
        }
      }
      checkShape("PointModel.fit", `shape ${count}`, shape, length);
      count++;
      if (scatter) {
        scatter.add(shape);
        continue;
      }
      rows.push(Float64Array.from(shape));
      if (rows.length < COVARIANCE_FROM * length) continue;
      scatter = new Scatter(rows[0]!);
      for (const row of rows.splice(0)) scatter.add(row);
    }
    if (count < 2) throw new InvalidArgumentError(`PointModel.fit: shapes must hold at least 2; got ${count}.`);
    const [mean, pca] = scatter
      ? [scatter.mean(), decomposeCovariance(scatter.covariance(), length)]
      : [meanOf(rows), new PCA(rows as unknown as number[][], { method: "SVD", center: true, scale: false })];
    return PointModel.from("PointModel.fit", mean, pca, count, maxModes);
  }

  /**
   * The model of two sets of shapes from their models, as if it had been fitted on all shapes together.
   *
   * @throws {ShapeError} different numbers of landmarks.
   * @throws {InvalidArgumentError} a model was truncated by `maxModes`: the variance it dropped is lost.
   * @example PointModel.merge(PointModel.fit(monday), PointModel.fit(tuesday));
   */
  static merge(first: PointModel, second: PointModel): PointModel {
    const length = first.mean.length;
    if (second.mean.length !== length) {
      throw new ShapeError(`PointModel.merge: both must have ${length / 2} landmarks; got ${second.landmarkCount}.`);
    }
    for (const model of [first, second]) {
      if (model.modes.length < Math.min(model.sampleCount - 1, length)) {
        throw new InvalidArgumentError(
          `PointModel.merge: models must hold all their modes; got ${model.modes.length}. Fit without maxModes.`,
        );
      }
    }
    const count = first.sampleCount + second.sampleCount;
    const apart = first.mean.map((value, q) => second.mean[q]! - value);
    const between = (first.sampleCount * second.sampleCount) / count;
    const covariance = new Float64Array(length * length);
    const addOuter = (vector: Float64Array, weight: number) => {
      for (let p = 0; p < length; p++) {
        const value = (weight * vector[p]!) / (count - 1);
        for (let q = 0; q < length; q++) covariance[p * length + q]! += value * vector[q]!;
      }
    };
    for (const model of [first, second]) {
      for (const [i, mode] of model.modes.entries()) addOuter(mode, model.eigenvalues[i]! * (model.sampleCount - 1));
    }
    addOuter(apart, between);
    const mean = first.mean.map((value, q) => value + (apart[q]! * second.sampleCount) / count);
    return PointModel.from("PointModel.merge", mean, decomposeCovariance(covariance, length), count);
  }

  private static from(
    caller: string,
    mean: Float64Array,
    pca: PCA,
    sampleCount: number,
    maxModes = Number.POSITIVE_INFINITY,
  ): PointModel {
    const count = Math.min(sampleCount - 1, mean.length, maxModes);
    const variances = pca.getEigenvalues().map((value) => Math.max(0, value));
    const totalVariance = variances.reduce((sum, value) => sum + value, 0);
    const size = mean.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    // Identical shapes leave rounding of the mean, not variance.
    if (!(totalVariance > (SAME * size) ** 2)) {
      throw new InvalidArgumentError(`${caller}: the shapes are all the same; expected some variance.`);
    }
    const vectors = pca.getEigenvectors();
    const modes = Array.from({ length: count }, (_, i) => Float64Array.from(vectors.getColumn(i)));
    return new PointModel(mean, Float64Array.from(variances.slice(0, count)), modes, totalVariance, sampleCount);
  }

  /** @throws {InvalidArgumentError} a newer formatVersion, or fields that are missing, of unequal length or not finite. */
  static fromJSON(json: PointModelJson): PointModel {
    const fault = (what: string) => new InvalidArgumentError(`PointModel.fromJSON: ${what}.`);
    if (json?.formatVersion !== 1)
      throw fault(`formatVersion must be 1; got ${String(json?.formatVersion)}. Update @acr/shape-model`);
    const { mean, eigenvalues, modes, totalVariance, sampleCount } = json;
    const isNumbers = (values: unknown, length?: number): values is number[] =>
      Array.isArray(values) &&
      (length === undefined || values.length === length) &&
      values.every((value) => Number.isFinite(value));
    if (!isNumbers(mean) || mean.length === 0 || mean.length % 2 !== 0) throw fault("mean must hold 2K finite numbers");
    if (!isNumbers(eigenvalues) || eigenvalues.length === 0 || eigenvalues.some((value) => value < 0)) {
      throw fault("eigenvalues must be finite numbers >= 0, at least one");
    }
    if (
      !Array.isArray(modes) ||
      modes.length !== eigenvalues.length ||
      !modes.every((mode) => isNumbers(mode, mean.length))
    ) {
      throw fault(`modes must be ${eigenvalues.length} rows of ${mean.length} finite numbers`);
    }
    if (!(totalVariance > 0 && Number.isFinite(totalVariance)))
      throw fault(`totalVariance must be > 0; got ${totalVariance}`);
    if (!(Number.isInteger(sampleCount) && sampleCount >= 2))
      throw fault(`sampleCount must be an integer >= 2; got ${sampleCount}`);
    return new PointModel(
      Float64Array.from(mean),
      Float64Array.from(eigenvalues),
      modes.map((mode) => Float64Array.from(mode)),
      totalVariance,
      sampleCount,
    );
  }

  /** Exact: every float64 comes back as it was. */
  toJSON(): PointModelJson {
    return {
      formatVersion: 1,
      mean: [...this.mean],
      eigenvalues: [...this.eigenvalues],
      modes: this.modes.map((mode) => [...mode]),
      totalVariance: this.totalVariance,
      sampleCount: this.sampleCount,
    };
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

/** Many more shapes than coordinates make the covariance far cheaper than their own decomposition. */
const COVARIANCE_FROM = 4;

const decomposeCovariance = (covariance: Float64Array, length: number) =>
  new PCA(Matrix.from1DArray(length, length, covariance), { isCovarianceMatrix: true });

function meanOf(rows: readonly Float64Array[]): Float64Array {
  const mean = new Float64Array(rows[0]?.length ?? 0);
  for (const row of rows) for (let q = 0; q < mean.length; q++) mean[q]! += row[q]! / rows.length;
  return mean;
}

/** An option given as `undefined` must not hide the default. */
const withoutUndefined = <T extends object>(options: T) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
