import { AcrError } from "./acr-error.js";

/**
 * A tensor or array has the wrong shape, rank or length.
 *
 * @example throw new ShapeError("nme: targets must be [B, K, 2]; got [8, 136]. Use toLandmarks(x) for flat output.");
 */
export class ShapeError extends AcrError {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, "ACR_SHAPE", options);
    this.name = "ShapeError";
  }

  static override isInstance(error: unknown): error is ShapeError {
    return AcrError.isInstance(error) && error.code === "ACR_SHAPE";
  }
}
