import { readFile } from "node:fs/promises";
import { AcrError, DataFormatError } from "@acr/core";
import { PointModel } from "@acr/shape-model";

/** First bytes of the binary form. */
const BINARY = "ACRB";

/**
 * Reads a shape model in either form.
 *
 * @throws {DataFormatError} the file cannot be read, or holds no shape model.
 */
export async function readShapeModel(file: string): Promise<PointModel> {
  const bytes = await readFile(file).catch((cause) => {
    throw new DataFormatError("cannot be read; expected a shape model.", { file, cause });
  });
  try {
    if (bytes.subarray(0, BINARY.length).toString("latin1") === BINARY) return PointModel.fromBinary(bytes);
    return PointModel.fromJSON(JSON.parse(bytes.toString("utf8").replace(/^\uFEFF/, "")));
  } catch (cause) {
    if (cause instanceof SyntaxError)
      throw new DataFormatError("is no JSON; expected a shape model, as acr shape fit writes.", { file, cause });
    if (AcrError.isInstance(cause)) throw new DataFormatError(cause.message, { file, cause });
    throw cause;
  }
}

/** The form that a file's name asks for: bytes for `.acrb`, else JSON. */
export function shapeModelContent(model: PointModel, file: string): string | Uint8Array {
  return file.toLowerCase().endsWith(".acrb") ? model.toBinary() : `${JSON.stringify(model)}\n`;
}
