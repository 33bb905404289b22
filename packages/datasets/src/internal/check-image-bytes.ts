import { DataFormatError } from "@acr/core";
import { inspectImageBytes } from "./image-bytes.js";

/** Pictures that claim more pixels than this are refused before anything is allocated for them. */
const MAXIMUM_PIXELS = 100e6;

/** Refuses a file that is no whole picture, before it is decoded. */
export function checkImageBytes(bytes: Uint8Array, file: string): void {
  const { fault, size } = inspectImageBytes(bytes);
  if (fault) throw new DataFormatError(fault, { file });
  if (!size || size.width < 1 || size.height < 1)
    throw new DataFormatError("states no size; expected a picture.", { file });
  if (size.width * size.height > MAXIMUM_PIXELS) {
    throw new DataFormatError(`has ${size.width} x ${size.height} pixels; expected at most 100 megapixels.`, { file });
  }
  // A decoder would allocate for the claim and notice only at the end of the file.
  if (size.width * size.height > bytes.length * size.pixelsPerByte) {
    throw new DataFormatError(
      `claims ${size.width} x ${size.height} pixels, more than its ${bytes.length} bytes can hold. Replace or remove it.`,
      { file },
    );
  }
}
