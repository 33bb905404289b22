import { AcrError } from "./acr-error.js";

/**
 * A tfjs backend is missing, failed to start, or ran out of memory. The message names the next step to take.
 *
 * @example throw new BackendError("setupBackend: no backend is installed. Run npm i @tensorflow/tfjs-backend-wasm.");
 */
export class BackendError extends AcrError {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, "ACR_BACKEND", options);
    this.name = "BackendError";
  }

  static override isInstance(error: unknown): error is BackendError {
    return AcrError.isInstance(error) && error.code === "ACR_BACKEND";
  }
}
