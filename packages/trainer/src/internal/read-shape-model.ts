import { readFile } from "node:fs/promises";
import { DataFormatError } from "@acr/core";
import { PointModel } from "@acr/shape-model";

/**
 * Reads what `acr shape fit` wrote.
 *
 * @throws {DataFormatError} the file is absent or holds something else.
 */
export async function readShapeModel(file: string): Promise<PointModel> {
  try {
    return PointModel.fromJSON(JSON.parse(await readFile(file, "utf8")));
  } catch (cause) {
    throw new DataFormatError(`is not a shape model: ${(cause as Error).message}`, { file, cause });
  }
}
