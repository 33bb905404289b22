import { AcrError } from "./acr-error.js";

/**
 * Training broke down: the loss is no longer a finite number. The message says what to try.
 *
 * @example throw new DivergenceError("train: the loss became NaN at epoch 3, batch 7. Try a smaller learningRate.");
 */
export class DivergenceError extends AcrError {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, "ACR_DIVERGENCE", options);
    this.name = "DivergenceError";
  }

  static override isInstance(error: unknown): error is DivergenceError {
    return AcrError.isInstance(error) && error.code === "ACR_DIVERGENCE";
  }
}
