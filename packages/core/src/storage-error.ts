import { AcrError } from "./acr-error.js";

/**
 * A file could not be written or read for a reason outside this project: disk full, folder read-only, no permission.
 *
 * @example throw new StorageError("cannot write the checkpoint: the disk is full. Free some space, then use --resume.");
 */
export class StorageError extends AcrError {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, "ACR_STORAGE", options);
    this.name = "StorageError";
  }

  static override isInstance(error: unknown): error is StorageError {
    return AcrError.isInstance(error) && error.code === "ACR_STORAGE";
  }
}
