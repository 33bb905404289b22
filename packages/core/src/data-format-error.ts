import { AcrError } from "./acr-error.js";

/** Where a fault was found. */
export interface DataFormatErrorLocation {
  /** Path or name of the faulty file. */
  file: string;
  /** One-based line, where the file has lines. */
  line?: number;
  cause?: unknown;
}

/**
 * A file does not hold what its format promises. The message starts with `file:line`.
 *
 * @example throw new DataFormatError("expected 68 points; got 67. Fix or remove the file.", { file: "a.pts", line: 3 });
 */
export class DataFormatError extends AcrError {
  readonly file: string;
  readonly line: number | undefined;

  constructor(message: string, { file, line, cause }: DataFormatErrorLocation) {
    super(`${file}${line === undefined ? "" : `:${line}`}: ${message}`, "ACR_DATA_FORMAT", { cause });
    this.name = "DataFormatError";
    this.file = file;
    this.line = line;
  }

  static override isInstance(error: unknown): error is DataFormatError {
    return AcrError.isInstance(error) && error.code === "ACR_DATA_FORMAT";
  }
}
