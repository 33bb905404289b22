import { AcrError } from "./acr-error.js";

/**
 * An argument or option is out of range, of the wrong type, or unknown.
 *
 * @example throw new InvalidArgumentError("wingLoss: width must be > 0; got -1.");
 */
export class InvalidArgumentError extends AcrError {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, "ACR_INVALID_ARGUMENT", options);
    this.name = "InvalidArgumentError";
  }

  static override isInstance(error: unknown): error is InvalidArgumentError {
    return AcrError.isInstance(error) && error.code === "ACR_INVALID_ARGUMENT";
  }
}
