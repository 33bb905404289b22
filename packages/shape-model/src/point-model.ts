import { checkOptions, createRandom, InvalidArgumentError, ShapeError } from "@acr/core";
import { Matrix } from "ml-matrix";
import { PCA } from "ml-pca";

/** Options of `PointModel.fit`. */
export interface FitOptions {
  /** Keep at most this many modes, >= 1. The total variance stays that of all. Default: all. */
  maxModes?: number;
}

/** How many modes to use. */
export interface ModeOptions {
  /** The first this many modes, 0 … modeCount. Default: all. */
  modes?: number;
}

/** Options of `smooth`. */
export interface SmoothOptions extends ModeOptions {
  /** Coefficients are limited to ± this many standard deviations; `false` for no limit. Default 3. */
  clip?: number | false;
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
   * @param shapes - at least 2 flat shapes of one length.
   * @throws {ShapeError} lengths differ or are odd.   @throws {InvalidArgumentError} fewer than 2 shapes, a value that is not finite, no variance at all.
   */
  static fit(shapes: readonly ArrayLike<number>[], options: FitOptions = {}): PointModel {
    checkOptions("PointModel.fit", options, ["maxModes"]);
    const { maxModes = Number.POSITIVE_INFINITY } = options;
    if (!(maxModes >= 1)) throw new InvalidArgumentError(`PointModel.fit: maxModes must be >= 1; got ${maxModes}.`);
    if (!(shapes?.length >= 2))
      throw new InvalidArgumentError(`PointModel.fit: shapes must hold at least 2; got ${shapes?.length ?? "none"}.`);
    const length = shapes[0]!.length;
    if (length === 0 || length % 2 !== 0)
      throw new ShapeError(`PointModel.fit: shapes must hold 2K numbers; got ${length}.`);
    const rows = shapes.map((shape, i) => {
      if (shape.length !== length)
        throw new ShapeError(
          `PointModel.fit: shape ${i} must have ${length} numbers as the first; got ${shape.length}.`,
        );
      const row = Float64Array.from(shape);
      if (!row.every(Number.isFinite))
        throw new InvalidArgumentError(`PointModel.fit: shape ${i} must hold finite numbers only.`);
      return row;
    });
    const mean = new Float64Array(length);
    for (const row of rows) for (let q = 0; q < length; q++) mean[q]! += row[q]! / rows.length;
    const count = Math.min(rows.length - 1, length, maxModes);
    const pca = decompose(rows, mean);
    const eigenvalues = Float64Array.from(pca.getEigenvalues().slice(0, count), (value) => Math.max(0, value));
    const totalVariance = pca.getEigenvalues().reduce((sum, value) => sum + Math.max(0, value), 0);
    if (!(totalVariance > 0))
      throw new InvalidArgumentError("PointModel.fit: the shapes are all the same; expected some variance.");
    const vectors = pca.getEigenvectors();
    const modes = Array.from({ length: count }, (_, i) => Float64Array.from(vectors.getColumn(i)));
    return new PointModel(mean, eigenvalues, modes, totalVariance, rows.length);
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
    if (!isNumbers(eigenvalues)) throw fault("eigenvalues must be finite numbers");
    if (
      !Array.isArray(modes) ||
      modes.length !== eigenvalues.length ||
      !modes.every((mode) => isNumbers(mode, mean.length))
    ) {
      throw fault(`modes must be ${eigenvalues.length} rows of ${mean.length} finite numbers`);
    }
    if (!(totalVariance > 0)) throw fault(`totalVariance must be > 0; got ${totalVariance}`);
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
   * Number of modes for a share of them all (`by: "count"`, at least one) or of the variance (`by: "variance"`, the
   * fewest that reach it).
   *
   * @throws {InvalidArgumentError} fraction outside (0, 1].
   */
  modeCount({ by, fraction }: { by: "variance" | "count"; fraction: number }): number {
    if (!(fraction > 0 && fraction <= 1))
      throw new InvalidArgumentError(`PointModel.modeCount: fraction must be in (0, 1]; got ${fraction}.`);
    if (by === "count") return Math.max(1, Math.round(fraction * this.modes.length));
    if (by !== "variance")
      throw new InvalidArgumentError(
        `PointModel.modeCount: by must be "variance" or "count"; got ${JSON.stringify(by)}.`,
      );
    let sum = 0;
    for (let k = 0; k < this.eigenvalues.length; k++) {
      sum += this.eigenvalues[k]!;
      // The last digit of a sum must not ask for one more mode.
      if (sum / this.totalVariance >= fraction - 1e-12) return k + 1;
    }
    return this.modes.length;
  }

  /** Coefficients b of a shape (Eq. 2), not limited. */
  project(shape: ArrayLike<number>, options: ModeOptions = {}): Float64Array {
    const k = this.checkModes("project", options.modes);
    this.checkShape("project", shape);
    return Float64Array.from({ length: k }, (_, i) => {
      const mode = this.modes[i]!;
      let b = 0;
      for (let q = 0; q < mode.length; q++) b += mode[q]! * (shape[q]! - this.mean[q]!);
      return b;
    });
  }

  /** The shape with these coefficients; absent ones are 0. */
  reconstruct(coefficients: ArrayLike<number>): Float64Array {
    this.checkModes("reconstruct", coefficients.length);
    const shape = this.mean.slice();
    for (let i = 0; i < coefficients.length; i++) {
      const mode = this.modes[i]!;
      for (let q = 0; q < shape.length; q++) shape[q]! += coefficients[i]! * mode[q]!;
    }
    return shape;
  }

  /** The smooth face (Eq. 3): the first k modes, each coefficient limited to ±clip·√eigenvalue. k = 0 gives the mean. */
  smooth(shape: ArrayLike<number>, { modes, clip = 3 }: SmoothOptions = {}): Float64Array {
    const coefficients = this.project(shape, { modes });
    if (clip !== false) {
      if (!(clip > 0))
        throw new InvalidArgumentError(`PointModel.smooth: clip must be > 0 or false; got ${String(clip)}.`);
      coefficients.forEach((b, i) => {
        const limit = clip * Math.sqrt(this.eigenvalues[i]!);
        coefficients[i] = Math.min(limit, Math.max(-limit, b));
      });
    }
    return this.reconstruct(coefficients);
  }

  /**
   * Difficulty Φ (Eq. 4): distance of each coordinate, or landmark, from the smooth face, divided by the largest; 0
   * everywhere for a face that equals its smooth face.
   *
   * @returns 2K or K values in [0, 1].
   */
  difficulty(shape: ArrayLike<number>, { unit = "coordinate", ...options }: DifficultyOptions = {}): Float64Array {
    if (unit !== "coordinate" && unit !== "landmark")
      throw new InvalidArgumentError(
        `PointModel.difficulty: unit must be "coordinate" or "landmark"; got ${JSON.stringify(unit)}.`,
      );
    const smooth = this.smooth(shape, options);
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

  /** A random shape: coefficients normal with the modes' variances, limited to ±3 standard deviations. */
  sample(seed: number | string): Float64Array {
    const random = createRandom(seed).fork("PointModel.sample");
    return this.reconstruct(
      Float64Array.from(this.eigenvalues, (value) => Math.sqrt(value) * Math.min(3, Math.max(-3, random.normal()))),
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

  private checkShape(method: string, shape: ArrayLike<number>): void {
    if (shape.length !== this.mean.length)
      throw new ShapeError(`PointModel.${method}: shape must have ${this.mean.length} numbers; got ${shape.length}.`);
    for (let q = 0; q < shape.length; q++) {
      if (!Number.isFinite(shape[q]!))
        throw new InvalidArgumentError(`PointModel.${method}: shape[${q}] must be finite; got ${shape[q]}.`);
    }
  }
}

/** Many more shapes than coordinates make the covariance far cheaper than their own decomposition. */
const COVARIANCE_FROM = 4;

function decompose(rows: readonly Float64Array[], mean: Float64Array): PCA {
  const length = mean.length;
  if (rows.length < COVARIANCE_FROM * length)
    return new PCA(rows as unknown as number[][], { method: "SVD", center: true, scale: false });
  const covariance = new Float64Array(length * length);
  const centered = new Float64Array(length);
  for (const row of rows) {
    for (let q = 0; q < length; q++) centered[q] = row[q]! - mean[q]!;
    for (let p = 0; p < length; p++) {
      const value = centered[p]! / (rows.length - 1);
      for (let q = p; q < length; q++) covariance[p * length + q]! += value * centered[q]!;
    }
  }
  for (let p = 0; p < length; p++) for (let q = 0; q < p; q++) covariance[p * length + q] = covariance[q * length + p]!;
  return new PCA(Matrix.from1DArray(length, length, covariance), { isCovarianceMatrix: true });
}
