import type { LandmarkScheme } from "@acr/core";
import type { PointModel } from "./point-model.js";

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
