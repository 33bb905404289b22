import { checkOptions, createRandom, InvalidArgumentError, type LandmarkScheme, ShapeError } from "@acr/core";
import { alignShapes } from "./align-shapes.js";
import type { BuilderOptions, FitOptions, PointModelBuilder } from "./fit-options.js";
import { checkInteger } from "./internal/check-integer.js";
import { checkModel } from "./internal/check-model.js";
import { checkShape } from "./internal/check-shape.js";
import { SAME } from "./internal/decompose.js";
import { mergeFields } from "./internal/merge-fields.js";
import type { PointModelFields } from "./internal/point-model-fields.js";
import { fromBytes, fromForm, toBytes, toForm } from "./internal/point-model-form.js";
import { ShapeSum } from "./internal/shape-sum.js";
import type { DifficultyOptions, ModeOptions, ProjectOptions, SampleOptions, SmoothOptions } from "./mode-options.js";
import type { PointModelJson } from "./point-model-json.js";

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
  /** `"procrustes"`: the model knows form only, and shapes must be brought onto its mean (`similarityBetween`) first. */
  readonly align: "none" | "procrustes";

  private constructor(fields: PointModelFields) {
    this.mean = fields.mean;
    this.eigenvalues = fields.eigenvalues;
    this.modes = fields.modes;
    this.totalVariance = fields.totalVariance;
    this.sampleCount = fields.sampleCount;
    this.weightSums = fields.weightSums;
    this.scheme = fields.scheme;
    this.align = fields.align;
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
    const builder = createBuilder("PointModel.fit", builderOptions, align);
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
   * @throws {InvalidArgumentError} different schemes, a model that was truncated (the variance it dropped is lost) or
   *   fitted with `align: "procrustes"` (each such model has a frame of its own).
   * @example PointModel.merge(PointModel.fit(monday), PointModel.fit(tuesday));
   */
  static merge(first: PointModel, second: PointModel): PointModel {
    checkModel("PointModel.merge", first, "first");
    checkModel("PointModel.merge", second, "second");
    return new PointModel(mergeFields("PointModel.merge", first, second));
  }

  /**
   * @throws {InvalidArgumentError} a newer formatVersion, or fields that are missing, of unequal length, not finite or not
   *   those of any model, such as modes that are not orthonormal.
   * @example PointModel.fromJSON(JSON.parse(await readFile("model.json", "utf8")));
   */
  static fromJSON(json: PointModelJson): PointModel {
    return new PointModel(fromForm("PointModel.fromJSON", json));
  }

  /** Exact: every float64 comes back as it was. */
  toJSON(): PointModelJson {
    return toForm(this);
  }

  /**
   * The model as bytes, exact, in less than half the size of its JSON.
   *
   * @example await writeFile("model.acrb", model.toBinary());
   */
  toBinary(): Uint8Array {
    return toBytes(this);
  }

  /**
   * @throws {InvalidArgumentError} bytes of something else, a newer version, a file cut short, faulty fields.
   * @example PointModel.fromBinary(await readFile("model.acrb"));
   */
  static fromBinary(bytes: Uint8Array): PointModel {
    return new PointModel(fromBytes("PointModel.fromBinary", bytes));
  }

  /**
   * The same model with its first modes only, as if fitted with `maxModes`; total variance and mean stay.
   *
   * @throws {InvalidArgumentError} modes out of range, fewer than 1, or missing.
   * @example model.truncate({ modes: model.modeCount({ by: "variance", fraction: 0.98 }) });
   */
  truncate(options: { modes: number }): PointModel {
    checkOptions("PointModel.truncate", options, ["modes"]);
    checkInteger("PointModel.truncate", "modes", options?.modes, 1, this.modes.length);
    return new PointModel({
      ...this,
      modes: this.modes.slice(0, options.modes),
      eigenvalues: this.eigenvalues.slice(0, options.modes),
    });
  }

  /**
   * Refuses data of another landmark scheme.
   *
   * @throws {InvalidArgumentError} the model knows its scheme, and it is another.   @throws {ShapeError} another number of landmarks.
   * @example model.checkScheme(dataset.scheme);
   */
  checkScheme(scheme: LandmarkScheme): void {
    if (typeof scheme?.id !== "string")
      throw new InvalidArgumentError(
        `PointModel.checkScheme: scheme must be a landmark scheme; got ${typeof scheme}. Use getLandmarkScheme(id).`,
      );
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
   * Number of modes for a share of all modes (`by: "count"`, rounded, at least one) or of the total variance
   * (`by: "variance"`, the fewest that reach it). The two readings of "80 %" differ widely. A truncated model answers as the
   * whole one would.
   *
   * @throws {InvalidArgumentError} fraction outside (0, 1], an unknown `by`, or more modes than a truncated model holds.
   * @example model.modeCount({ by: "variance", fraction: 0.9 });
   */
  modeCount(options: { by: "variance" | "count"; fraction: number }): number {
    checkOptions("PointModel.modeCount", options, ["by", "fraction"]);
    const { by, fraction } = options ?? {};
    if (!(typeof fraction === "number" && fraction > 0 && fraction <= 1)) {
      throw new InvalidArgumentError(
        `PointModel.modeCount: fraction must be in (0, 1]; got ${typeof fraction === "string" ? JSON.stringify(fraction) : fraction}.`,
      );
    }
    if (by === "count") {
      // Those that `maxModes` or `truncate` dropped count as well.
      const all = Math.max(this.modes.length, Math.min(this.sampleCount - 1, this.mean.length));
      const count = Math.max(1, Math.round(fraction * all));
      if (count <= this.modes.length) return count;
      throw new InvalidArgumentError(
        `PointModel.modeCount: fraction must be at most ${this.modes.length / all}, for the model holds ${this.modes.length} of ${all} modes; got ${fraction}. Fit with more modes.`,
      );
    }
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
    if (clip !== false && !(typeof clip === "number" && clip > 0)) {
      throw new InvalidArgumentError(
        `PointModel.project: clip must be > 0 or false; got ${typeof clip === "string" ? JSON.stringify(clip) : clip}.`,
      );
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
    this.checkModes("reconstruct", coefficients?.length ?? Number.NaN);
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
    checkOptions("PointModel.smooth", options, ["modes", "clip", "region"]);
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
    checkOptions("PointModel.difficulty", options, ["modes", "clip", "region", "unit"]);
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
   * A random shape: coefficients normal with the modes' variances, limited to ±3 standard deviations unless told otherwise.
   *
   * @param seed - the same seed gives the same shape.
   * @throws {InvalidArgumentError} modes or clip out of range, a seed that is no finite number or text.
   * @example model.sample(1, { modes: 20 });
   */
  sample(seed: number | string, options: SampleOptions = {}): Float64Array {
    checkOptions("PointModel.sample", options, ["modes", "clip"]);
    const k = this.checkModes("sample", options.modes);
    const { clip = 3 } = options;
    const limit = clip === false ? Number.POSITIVE_INFINITY : clip;
    if (!(limit > 0)) throw new InvalidArgumentError(`PointModel.sample: clip must be > 0 or false; got ${clip}.`);
    const random = createRandom(seed).fork("PointModel.sample");
    const draws = Float64Array.from({ length: k }, () => Math.min(limit, Math.max(-limit, random.normal())));
    return this.reconstruct(draws.map((draw, i) => draw * Math.sqrt(this.eigenvalues[i]!)));
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

function createBuilder(
  caller: string,
  { maxModes = Number.POSITIVE_INFINITY, scheme }: BuilderOptions,
  align: PointModelFields["align"] = "none",
) {
  if (!(maxModes === Number.POSITIVE_INFINITY || (Number.isInteger(maxModes) && maxModes >= 1)))
    throw new InvalidArgumentError(`${caller}: maxModes must be an integer >= 1; got ${maxModes}.`);
  const sum = new ShapeSum(caller, scheme);
  return {
    get count() {
      return sum.count;
    },
    add: (shape: ArrayLike<number>, weight?: number) => sum.add(shape, weight),
    finish: () => sum.finish({ maxModes, align }),
  };
}

/** An option given as `undefined` must not hide the default. */
const withoutUndefined = <T extends object>(options: T) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
