import { type Box, toLandmarks } from "@acr/core";
import { checkLabels } from "./internal/check-labels.js";
import { writeWholeFile } from "./internal/write-whole-file.js";

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
 * @throws {InvalidArgumentError} no landmarks, an odd length, a value that is not finite, a wrong number of flags, an empty box.
 * @example await writeJson("face.json", { landmarks: [10, 20], visible: [1] });
 */
export async function writeJson(file: string, { landmarks, visible, box }: WriteJsonLabels): Promise<void> {
  checkLabels("writeJson", { landmarks, ...(visible && { visible }), ...(box && { box }) });
  const labels = {
    landmarks: toLandmarks(Array.from(landmarks)),
    ...(visible && { visible: Array.from(visible, (flag) => (flag ? 1 : 0)) }),
    ...(box && { box }),
  };
  await writeWholeFile(file, `${JSON.stringify(labels)}\n`);
}
