import { checkOptions, type LandmarkScheme } from "@acr/core";
import { checkLabels } from "./internal/check-labels.js";
import { writeWholeFile } from "./internal/write-whole-file.js";

/** Options of `writeLjson`. */
export interface WriteLjsonOptions {
  /** Its groups become menpo's labels. Default: one label `all`. */
  scheme?: LandmarkScheme;
}

/**
 * Writes landmarks as menpo's `.ljson`, version 3: `[y, x]`, zero-based, one group `LJSON`. `openPoints` and
 * `parsePointsJson` give the same numbers back. The format has no place for visibility or boxes.
 *
 * @param landmarks - flat, zero-based pixels.
 * @throws {InvalidArgumentError} no landmarks, a value that is not finite, another number than the scheme's.
 * @example await writeLjson("face.ljson", [10, 20]);
 */
export async function writeLjson(
  file: string,
  landmarks: ArrayLike<number>,
  options: WriteLjsonOptions = {},
): Promise<void> {
  checkOptions("writeLjson", options, ["scheme"]);
  const { scheme } = options;
  checkLabels("writeLjson", { landmarks }, { landmarkCount: scheme?.landmarkCount });
  const count = landmarks.length / 2;
  const points = Array.from({ length: count }, (_, k) => [landmarks[2 * k + 1]!, landmarks[2 * k]!]);
  const all = Array.from({ length: count }, (_, k) => k);
  const labels = Object.entries(scheme?.groups ?? {}).map(([label, mask]) => ({ label, mask: [...mask] }));
  const group = {
    landmarks: { points, connectivity: [] },
    labels: labels.length > 0 ? labels : [{ label: "all", mask: all }],
  };
  await writeWholeFile(file, `${JSON.stringify({ version: 3, groups: { LJSON: group } })}\n`);
}
