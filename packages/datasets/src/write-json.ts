import { writeFile } from "node:fs/promises";
import { type Box, InvalidArgumentError, toLandmarks } from "@acr/core";

/** What `writeJson` stores. */
export interface WriteJsonLabels {
  /** Flat, zero-based pixels. */
  landmarks: ArrayLike<number>;
  visible?: ArrayLike<number>;
  box?: Box;
}

/**
 * Writes the labels of one picture as JSON; `parsePointsJson` and `openPoints` give the same numbers back.
 *
 * @throws {InvalidArgumentError} no landmarks, an odd length, or a value that is not finite.
 * @example await writeJson("face.json", { landmarks: [10, 20], visible: [1] });
 */
export async function writeJson(file: string, { landmarks, visible, box }: WriteJsonLabels): Promise<void> {
  const values = Array.from(landmarks);
  if (values.length === 0 || values.length % 2 !== 0 || !values.every(Number.isFinite)) {
    throw new InvalidArgumentError(`writeJson: landmarks must be 2K finite numbers; got ${values.length}.`);
  }
  const labels = {
    landmarks: toLandmarks(values),
    ...(visible && { visible: Array.from(visible, (flag) => (flag ? 1 : 0)) }),
    ...(box && { box }),
  };
  await writeFile(file, `${JSON.stringify(labels)}\n`);
}
