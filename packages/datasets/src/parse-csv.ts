import type { Box } from "@acr/core";
import type { FaceLabels } from "./face-labels.js";
import { isBox, isCoordinate, ListCollector, type ListParseOptions } from "./internal/listed-face.js";
import { parseCsvRows } from "./internal/parse-csv-rows.js";

const IMAGE_COLUMNS = ["image", "image_name", "image_path", "file", "file_name", "filename", "path"];
const BOX_COLUMNS = ["box_x0", "box_y0", "box_x1", "box_y1"];

/**
 * Faces of a CSV file with a header: `image` (or `file`, `filename`, `path`, `image_name`), `x0`, `y0`, `x1`, … for the
 * points (also `x_0` or `p0_x`), and optionally `box_x0`, `box_y0`, `box_x1`, `box_y1` and `visible0`, …. Zero-based. Other
 * columns are passed over.
 *
 * @throws {DataFormatError} no header, a missing column, a cell that is no number; with the line.
 * @example parseCsv("image,x0,y0\na.jpg,10,20\n", { file: "a.csv" })[0].landmarks; // Float64Array [10, 20]
 */
export function parseCsv(text: string, options: ListParseOptions): FaceLabels[] {
  const list = new ListCollector(options);
  const [header, ...rows] = parseCsvRows(text, { file: options.file });
  if (!header) throw list.fault("is empty; expected a header and rows.", 1);
  const columns = header.cells.map((name) => name.trim().toLowerCase());
  const place = (...names: string[]) => columns.findIndex((column) => names.includes(column));
  const image = place(...IMAGE_COLUMNS);
  if (image < 0)
    throw list.fault(`expected a column "image"; got ${header.cells.join(", ").slice(0, 80)}.`, header.line);
  const points: [x: number, y: number][] = [];
  for (let k = 0; ; k++) {
    const point: [number, number] = [place(`x${k}`, `x_${k}`, `p${k}_x`), place(`y${k}`, `y_${k}`, `p${k}_y`)];
    if (point[0] < 0 && point[1] < 0) break;
    if (point.includes(-1)) throw list.fault(`expected columns x${k} and y${k} together.`, header.line);
    points.push(point);
  }
  if (points.length === 0) throw list.fault("expected columns x0, y0, x1, y1, … for the points.", header.line);
  const boxes = BOX_COLUMNS.map((name) => place(name));
  const flags = points.map((_, k) => place(`visible${k}`));
  for (const { cells, line } of rows) {
    list.add(() => {
      if (cells.length !== columns.length)
        throw list.fault(`expected ${columns.length} cells; got ${cells.length}.`, line);
      const number = (at: number) => (cells[at]!.trim() === "" ? Number.NaN : Number(cells[at]));
      const name = cells[image]!.trim();
      if (name === "") throw list.fault("expected the name of a picture; got an empty cell.", line);
      const landmarks = Float64Array.from(points.flat(), number);
      const bad = landmarks.findIndex((value) => !isCoordinate(value));
      if (bad >= 0)
        throw list.fault(
          `column ${columns[points.flat()[bad]!]}: expected a finite number; got "${cells[points.flat()[bad]!]!.slice(0, 40)}".`,
          line,
        );
      const box = boxes.map((at) => (at < 0 ? Number.NaN : number(at)));
      const hasBox = boxes.every((at) => at >= 0 && cells[at]!.trim() !== "");
      if (hasBox && !isBox(box)) throw list.fault(`expected a box; got ${box.join(", ")}.`, line);
      const hasFlags = flags.every((at) => at >= 0 && cells[at]!.trim() !== "");
      const visible = hasFlags ? flags.map(number) : [];
      if (!visible.every((flag) => flag === 0 || flag === 1))
        throw list.fault("expected visible columns of 0 or 1.", line);
      return {
        image: name,
        landmarks,
        ...(hasFlags && { visible: Uint8Array.from(visible) }),
        ...(hasBox && { box: box as unknown as Box }),
        line,
      };
    });
  }
  return list.faces;
}
