import { writeFile } from "node:fs/promises";
import { InvalidArgumentError } from "@acr/core";

/**
 * Writes landmarks as a `.pts` file, one-based as iBUG's; `readPts` gives the same numbers back.
 *
 * @param landmarks - flat, zero-based pixels.
 * @throws {InvalidArgumentError} no landmarks, an odd length, or a value that is not finite.
 * @example await writePts("face.pts", [10, 20]);
 */
export async function writePts(file: string, landmarks: ArrayLike<number>): Promise<void> {
  const values = Array.from(landmarks);
  if (values.length === 0 || values.length % 2 !== 0 || !values.every(Number.isFinite)) {
    throw new InvalidArgumentError(`writePts: landmarks must be 2K finite numbers; got ${values.length}.`);
  }
  const points = Array.from({ length: values.length / 2 }, (_, k) => `${values[2 * k]! + 1} ${values[2 * k + 1]! + 1}`);
  await writeFile(file, `version: 1\nn_points: ${points.length}\n{\n${points.join("\n")}\n}\n`);
}
