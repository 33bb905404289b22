import { checkLabels } from "./internal/check-labels.js";
import { EXACT_DIGITS } from "./internal/exact-digits.js";
import { shiftDecimal, withoutExponent } from "./internal/shift-decimal.js";
import { writeWholeFile } from "./internal/write-whole-file.js";

/**
 * Writes landmarks as a `.pts` file, one-based as iBUG's; `readPts` gives the same numbers back. Where one-based doubles are
 * too coarse for that, more digits are written.
 *
 * @param landmarks - flat, zero-based pixels.
 * @throws {InvalidArgumentError} no landmarks, an odd length, or a value that is not finite.
 * @example await writePts("face.pts", [10, 20]);
 */
export async function writePts(file: string, landmarks: ArrayLike<number>): Promise<void> {
  checkLabels("writePts", { landmarks });
  const values = Array.from(landmarks, oneBased);
  const points = Array.from({ length: values.length / 2 }, (_, k) => `${values[2 * k]} ${values[2 * k + 1]}`);
  await writeWholeFile(file, `version: 1\nn_points: ${points.length}\n{\n${points.join("\n")}\n}\n`);
}

function oneBased(value: number): string {
  const plain = `${value + 1}`;
  if (Number(plain) - 1 === value) return plain;
  const exact = shiftDecimal(withoutExponent(value), 1);
  const missing = EXACT_DIGITS - exact.replace(/\D/g, "").length;
  return `${exact}${exact.includes(".") ? "" : "."}${"0".repeat(Math.max(0, missing))}`;
}
