import { checkOptions, InvalidArgumentError, type RgbImage } from "@acr/core";
import { composeSheet } from "./internal/compose-sheet.js";
import { renderOverlay } from "./render-overlay.js";

/** One face of a sheet. */
export interface SheetFace {
  image: RgbImage;
  /** Flat predicted landmarks in the picture's pixels. */
  predicted?: ArrayLike<number>;
  target?: ArrayLike<number>;
}

/** Options of `renderContactSheet`. */
export interface ContactSheetOptions {
  /** Faces a row, >= 1. Default 6. */
  columns?: number;
  /** Side of each face in pixels, 16 … 1024. Default 160. */
  cellSize?: number;
}

/** Checks the options of a sheet. */
function checkSheet(functionName: string, count: number, { columns = 6, cellSize = 160 }: ContactSheetOptions) {
  if (count === 0) throw new InvalidArgumentError(`${functionName}: faces must hold at least one face; got none.`);
  if (!Number.isInteger(columns) || columns < 1)
    throw new InvalidArgumentError(`${functionName}: columns must be an integer >= 1; got ${columns}.`);
  if (!Number.isInteger(cellSize) || cellSize < 16 || cellSize > 1024)
    throw new InvalidArgumentError(`${functionName}: cellSize must be an integer from 16 to 1024; got ${cellSize}.`);
  return { columns: Math.min(columns, count), cellSize };
}

/**
 * Faces side by side, each cropped to its landmarks, predictions orange and truth blue, as PNG.
 *
 * @throws {InvalidArgumentError} no faces, an option out of range.
 * @example await writeFile("sheet.png", await renderContactSheet(faces, { columns: 8 }));
 */
export async function renderContactSheet(
  faces: readonly SheetFace[],
  options: ContactSheetOptions = {},
): Promise<Uint8Array> {
  checkOptions("renderContactSheet", options, ["columns", "cellSize"]);
  const sheet = composeSheet(faces, checkSheet("renderContactSheet", faces.length, options));
  return renderOverlay(sheet, {});
}
