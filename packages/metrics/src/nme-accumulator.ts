import { type Box, checkOptions, InvalidArgumentError, type LandmarkScheme, ShapeError } from "@acr/core";
import { type CountedLandmarks, checkCounted, isCounted } from "./internal/counted.js";
import { type Normalizer, normalizerSize } from "./normalizer-size.js";
import { type ErrorSummary, SUMMARY_OPTIONS, type SummaryOptions, summarizeErrors } from "./summarize-errors.js";

/** Options of an evaluation. */
export interface EvaluationOptions extends SummaryOptions {
  scheme?: LandmarkScheme;
  /** Default `"inter-ocular"`. */
  normalizer?: Normalizer;
  /** Which landmarks count on faces that come with visibility flags. Default `"visible"`. */
  counted?: CountedLandmarks;
  /**
   * What a predicted coordinate that is not finite does: `"throw"`, or `"failure"`: the face counts as failed, see
   * `failedCount`. Default `"throw"`.
   */
  nonFinite?: "throw" | "failure";
}

/** What an evaluation reports. Faces without a counted landmark are left out of everything but `perFacePercent`. */
export interface EvaluationResult extends ErrorSummary {
  /** Mean error of each landmark in percent of the normaliser; NaN where it never counts. */
  perLandmarkPercent: number[];
  /** Mean error of the landmarks of each group of the scheme, in percent; absent without a scheme. */
  perGroupPercent?: Record<string, number>;
  /** NME of each face in percent, in order; NaN without a counted landmark, Infinity without a finite prediction. */
  perFacePercent: number[];
}

/** One face to add. */
export interface FaceToAdd {
  /** K flags, true for a visible landmark. */
  visible?: ArrayLike<number | boolean>;
  /** Face box, for the box normalisers. */
  box?: Box;
}

/** The state of an `NmeAccumulator`, to send between workers. Options are not part of it. */
export interface NmeAccumulatorJson {
  formatVersion: 1;
  /** NME of each face as a fraction; `null` without a counted landmark, -1 without a finite prediction. */
  perFace: (number | null)[];
  landmarkSums: number[];
  landmarkCounts: number[];
}

/** Names of the options, for `evaluate`. */
export const EVALUATION_OPTIONS: readonly string[] = [
  "scheme",
  "normalizer",
  "counted",
  "nonFinite",
  ...SUMMARY_OPTIONS,
];

/**
 * Collects faces one by one, or in parts that are merged, and gives what `evaluate` gives. It keeps one number a face
 * and two a landmark, never the shapes.
 *
 * @example
 * const accumulator = new NmeAccumulator({ scheme: ibug68 });
 * accumulator.add(prediction, target);
 * accumulator.result().nmePercent;
 */
export class NmeAccumulator {
  private perFace: number[] = [];
  private landmarkSums = new Float64Array(0);
  private landmarkCounts = new Float64Array(0);
  /** Errors of the face in work, so that a face that is refused leaves no trace. */
  private scratch = new Float64Array(0);
  private readonly counted: CountedLandmarks;
  private readonly options: EvaluationOptions;

  /** @throws {InvalidArgumentError} an option is unknown or out of range. */
  constructor(options: EvaluationOptions = {}) {
    checkOptions("evaluate", options, EVALUATION_OPTIONS);
    const { counted = "visible", nonFinite = "throw" } = options;
    checkCounted("evaluate", counted);
    if (nonFinite !== "throw" && nonFinite !== "failure")
      throw new InvalidArgumentError(
        `evaluate: nonFinite must be "throw" or "failure"; got ${JSON.stringify(nonFinite)}.`,
      );
    this.counted = counted;
    this.options = { ...options };
  }

  /** Faces added so far. */
  get length(): number {
    return this.perFace.length;
  }

  /** @throws {ShapeError | InvalidArgumentError} as `nme`; the message names the face. A face that is refused is not added. */
  add(prediction: ArrayLike<number>, target: ArrayLike<number>, { visible, box }: FaceToAdd = {}): void {
    const length = target?.length;
    if (!(length > 0) || length % 2 !== 0 || prediction?.length !== length) {
      throw new ShapeError(
        `nme: prediction and target must be flat shapes of one length 2K; got ${prediction?.length} and ${length} at face ${this.length}.`,
      );
    }
    const landmarkCount = length / 2;
    if (this.landmarkSums.length === 0) this.allocate(landmarkCount);
    if (landmarkCount !== this.landmarkSums.length)
      throw new ShapeError(
        `evaluate: all faces must have ${this.landmarkSums.length} landmarks; got ${landmarkCount} at face ${this.length}.`,
      );
    if (visible && visible.length !== landmarkCount)
      throw new ShapeError(
        `evaluate: visible must have ${landmarkCount} flags; got ${visible.length} at face ${this.length}.`,
      );
    const { scheme, normalizer } = this.options;
    let size: number;
    try {
      size = normalizerSize(target, { scheme, normalizer, box });
    } catch (error) {
      throw this.atFace(error);
    }
    this.perFace.push(this.addErrors(prediction, target, visible, size));
  }

  /** Appends the faces of another accumulator, as if they had been added here. @throws {ShapeError} other landmarks. @throws {InvalidArgumentError} other settings. */
  merge(other: NmeAccumulator): void {
    const settings = ({ counted, options }: NmeAccumulator) =>
      JSON.stringify([options.scheme?.id, options.normalizer ?? "inter-ocular", counted]);
    if (settings(this) !== settings(other))
      throw new InvalidArgumentError(
        "NmeAccumulator.merge: both must have one scheme, normalizer and kind of counted landmarks.",
      );
    if (other.perFace.length === 0) return;
    if (this.landmarkSums.length === 0) this.allocate(other.landmarkSums.length);
    if (this.landmarkSums.length !== other.landmarkSums.length)
      throw new ShapeError(
        `NmeAccumulator.merge: both must count the same landmarks; got ${this.landmarkSums.length} and ${other.landmarkSums.length}.`,
      );
    this.perFace = this.perFace.concat(other.perFace);
    for (let k = 0; k < this.landmarkSums.length; k++) {
      this.landmarkSums[k]! += other.landmarkSums[k]!;
      this.landmarkCounts[k]! += other.landmarkCounts[k]!;
    }
  }

  /** NME of each face so far, as fractions: NaN without a counted landmark, Infinity without a finite prediction. */
  errors(): Float64Array {
    return Float64Array.from(this.perFace);
  }

  /** @throws {InvalidArgumentError} no face with a counted landmark was added. */
  result(): EvaluationResult {
    const { scheme } = this.options;
    const options = Object.fromEntries(Object.entries(this.options).filter(([name]) => SUMMARY_OPTIONS.includes(name)));
    const percent = (sum: number, count: number) => (count > 0 ? (100 * sum) / count : Number.NaN);
    const ofGroup = (indices: readonly number[]) => {
      let sum = 0;
      let count = 0;
      for (const k of indices) {
        sum += this.landmarkSums[k]!;
        count += this.landmarkCounts[k]!;
      }
      return percent(sum, count);
    };
    return {
      ...summarizeErrors(this.perFace, options),
      perLandmarkPercent: Array.from(this.landmarkSums, (sum, k) => percent(sum, this.landmarkCounts[k]!)),
      ...(scheme && {
        perGroupPercent: Object.fromEntries(
          Object.entries(scheme.groups).map(([name, indices]) => [name, ofGroup(indices)]),
        ),
      }),
      perFacePercent: this.perFace.map((error) => 100 * error),
    };
  }

  /** The collected sums, without the options. */
  toJSON(): NmeAccumulatorJson {
    return {
      formatVersion: 1,
      perFace: this.perFace.map((error) => (Number.isNaN(error) ? null : Number.isFinite(error) ? error : -1)),
      landmarkSums: [...this.landmarkSums],
      landmarkCounts: [...this.landmarkCounts],
    };
  }

  /**
   * @param options - those of the accumulator that was saved.
   * @throws {InvalidArgumentError} not the JSON of an accumulator.
   * @example const copy = NmeAccumulator.fromJSON(JSON.parse(text), { scheme: ibug68 });
   */
  static fromJSON(json: NmeAccumulatorJson, options: EvaluationOptions = {}): NmeAccumulator {
    const { perFace, landmarkSums, landmarkCounts } = json ?? {};
    const numbers = (list: unknown): list is number[] => Array.isArray(list) && list.every(Number.isFinite);
    if (
      json?.formatVersion !== 1 ||
      !Array.isArray(perFace) ||
      !perFace.every((error) => error === null || Number.isFinite(error)) ||
      !numbers(landmarkSums) ||
      !numbers(landmarkCounts) ||
      landmarkSums.length !== landmarkCounts.length
    )
      throw new InvalidArgumentError(
        "NmeAccumulator.fromJSON: json must be what toJSON gave, with formatVersion 1 and sums and counts of one length.",
      );
    const accumulator = new NmeAccumulator(options);
    accumulator.perFace = perFace.map((error) =>
      error === null ? Number.NaN : error < 0 ? Number.POSITIVE_INFINITY : error,
    );
    accumulator.allocate(landmarkSums.length);
    accumulator.landmarkSums.set(landmarkSums);
    accumulator.landmarkCounts.set(landmarkCounts);
    return accumulator;
  }

  private allocate(landmarkCount: number): void {
    this.landmarkSums = new Float64Array(landmarkCount);
    this.landmarkCounts = new Float64Array(landmarkCount);
    this.scratch = new Float64Array(landmarkCount);
  }

  /** The NME of the face; its errors join the sums of their landmarks. */
  private addErrors(
    prediction: ArrayLike<number>,
    target: ArrayLike<number>,
    visible: ArrayLike<number | boolean> | undefined,
    size: number,
  ): number {
    const { scratch, counted } = this;
    let sum = 0;
    let count = 0;
    for (let k = 0; k < scratch.length; k++) {
      if (visible !== undefined && !isCounted(visible, counted, k)) {
        scratch[k] = -1;
        continue;
      }
      const dx = prediction[2 * k]! - target[2 * k]!;
      const dy = prediction[2 * k + 1]! - target[2 * k + 1]!;
      const error = Math.sqrt(dx * dx + dy * dy) / size;
      if (!Number.isFinite(error)) {
        const targetIsFinite = Number.isFinite(target[2 * k]!) && Number.isFinite(target[2 * k + 1]!);
        if (this.options.nonFinite === "failure" && targetIsFinite) return Number.POSITIVE_INFINITY;
        throw new InvalidArgumentError(
          `nme: landmark ${k} must have finite coordinates in prediction and target; got others at face ${this.length}.`,
        );
      }
      scratch[k] = error;
      sum += error;
      count++;
    }
    for (let k = 0; k < scratch.length; k++) {
      if (scratch[k]! < 0) continue;
      this.landmarkSums[k]! += scratch[k]!;
      this.landmarkCounts[k]!++;
    }
    return count > 0 ? sum / count : Number.NaN;
  }

  private atFace(error: unknown): unknown {
    if (InvalidArgumentError.isInstance(error))
      return new InvalidArgumentError(`${error.message.replace(/\.$/, "")} (face ${this.length}).`);
    return error;
  }
}
