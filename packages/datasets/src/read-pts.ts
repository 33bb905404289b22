import { readFile } from "node:fs/promises";
import { DataFormatError } from "@acr/core";
import { parsePts } from "./parse-pts.js";

/**
 * Reads a `.pts` file; see `parsePts`.
 *
 * @param options.landmarkCount - how many points there must be. Default: any number.
 * @returns flat `[x0, y0, …]`, zero-based `pixel` frame.
 * @throws {DataFormatError} the file cannot be read or is faulty; with the line.
 * @example const landmarks = await readPts("face.pts", { landmarkCount: 68 });
 */
export async function readPts(file: string, options: { landmarkCount?: number } = {}): Promise<Float64Array> {
  const text = await readFile(file, "utf8").catch((cause) => {
    throw new DataFormatError("cannot be read; expected a .pts file.", { file, cause });
  });
  return parsePts(text, { file, ...options });
}
