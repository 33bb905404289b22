import { DataFormatError } from "@acr/core";
import { EXACT_DIGITS } from "./internal/exact-digits.js";
import { shiftDecimal } from "./internal/shift-decimal.js";

const MAXIMUM_COORDINATE = 1e6;

/**
 * Landmarks of a `.pts` file (iBUG): `version`, `n_points`, then one `x y` a line between braces. The file is
 * one-based; the result is zero-based.
 *
 * @param text - the file's content.   @param options.file - its name, for messages.
 * @param options.landmarkCount - how many points there must be.
 * @returns flat `[x0, y0, …]`, `pixel` frame.
 * @throws {DataFormatError} a brace is missing, the count is wrong, a line is not two finite numbers; with the line.
 * @example parsePts("version: 1\nn_points: 1\n{\n11 21\n}\n", { file: "a.pts" }); // Float64Array [10, 20]
 */
export function parsePts(
  text: string,
  { file, landmarkCount }: { file: string; landmarkCount?: number },
): Float64Array {
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/);
  const fault = (message: string, line?: number) => new DataFormatError(message, { file, line });
  const open = lines.findIndex((line) => line.trim() === "{");
  if (open < 0) throw fault('expected a line "{" before the points; found none. Is this a .pts file?', 1);
  const close = lines.findIndex((line, i) => i > open && line.trim() === "}");
  if (close < 0) throw fault('expected a line "}" after the points; the file may be cut short.', lines.length);
  if (lines.some((line, i) => i > open && i < close && line.includes("{")))
    throw fault('expected one "{" before the points; got two.', open + 1);
  const values: number[] = [];
  for (let i = open + 1; i < close; i++) {
    const parts = lines[i]!.trim().split(/\s+/);
    if (parts[0] === "") continue;
    const [x, y] = parts.map(Number);
    if (
      parts.length !== 2 ||
      ![x, y].every((value) => Number.isFinite(value) && Math.abs(value!) < MAXIMUM_COORDINATE)
    ) {
      throw fault(`expected two finite numbers; got "${lines[i]!.trim().slice(0, 60)}".`, i + 1);
    }
    values.push(...parts.map(zeroBased));
  }
  const count = values.length / 2;
  const stated = lines
    .slice(0, open)
    .map((line) => /^\s*n_points\s*:\s*(\d+)/.exec(line)?.[1])
    .find((match) => match !== undefined);
  if (stated !== undefined && Number(stated) !== count)
    throw fault(`n_points says ${stated}, but there are ${count} points.`, close + 1);
  if (count === 0) throw fault("expected points; found none.", open + 1);
  if (landmarkCount !== undefined && count !== landmarkCount)
    throw fault(`expected ${landmarkCount} points; got ${count}.`, close + 1);
  return Float64Array.from(values);
}

/** `writePts` pads with digits that no double has where binary subtraction would not give its number back. */
function zeroBased(token: string): number {
  const digits = token.length < EXACT_DIGITS ? 0 : token.replace(/\D/g, "").length;
  return digits >= EXACT_DIGITS && !/e/i.test(token) ? Number(shiftDecimal(token, -1)) : Number(token) - 1;
}
