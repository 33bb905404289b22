/** Stable identifiers of the errors of this project, for programs that react to them. */
export type AcrErrorCode =
  | "ACR_SHAPE"
  | "ACR_INVALID_ARGUMENT"
  | "ACR_DATA_FORMAT"
  | "ACR_BACKEND"
  | "ACR_STORAGE"
  | "ACR_DIVERGENCE"
  | (string & {});

const MARKER = Symbol.for("acr.error");

/**
 * Base of every error this project throws on purpose.
 *
 * `isInstance` recognises errors across duplicate copies of this package (ESM beside CommonJS, two versions in
 * one tree), where `instanceof` does not.
 *
 * @example
 * try { getLandmarkScheme("ibug67"); } catch (error) { if (AcrError.isInstance(error)) console.log(error.code); }
 */
export class AcrError extends Error {
  readonly code: AcrErrorCode;

  constructor(message: string, code: AcrErrorCode, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    Object.defineProperty(this, MARKER, { value: true });
  }

  static isInstance(error: unknown): error is AcrError {
    return error instanceof Error && (error as { [MARKER]?: boolean })[MARKER] === true;
  }
}
