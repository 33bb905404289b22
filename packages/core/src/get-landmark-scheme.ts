import { cofw29 } from "./cofw29.js";
import { ibug68 } from "./ibug68.js";
import { InvalidArgumentError } from "./invalid-argument-error.js";
import type { LandmarkScheme } from "./landmark-scheme.js";
import { nearestNames } from "./nearest-names.js";
import { wflw98 } from "./wflw98.js";

const SCHEMES: readonly LandmarkScheme[] = [ibug68, cofw29, wflw98];

/**
 * The landmark scheme with this id: `"ibug68"` (300-W), `"cofw29"` or `"wflw98"`.
 *
 * @throws {InvalidArgumentError} unknown id; the message lists the valid ones.
 * @example getLandmarkScheme("ibug68").landmarkCount; // 68
 */
export function getLandmarkScheme(id: string): LandmarkScheme {
  const scheme = SCHEMES.find((candidate) => candidate.id === id);
  if (scheme) return scheme;
  const ids = SCHEMES.map((candidate) => candidate.id);
  throw new InvalidArgumentError(
    `getLandmarkScheme: unknown scheme "${id}"; did you mean ${nearestNames(id, ids, 1)[0]}? Valid ids: ${ids.join(", ")}.`,
  );
}
