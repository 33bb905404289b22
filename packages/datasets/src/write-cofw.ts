import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { checkOptions, cofw29, type Face, InvalidArgumentError, type RgbImage } from "@acr/core";
import { checkLabels } from "./internal/check-labels.js";
import { loadHdf5 } from "./internal/load-hdf5.js";
import { temporaryName } from "./internal/write-whole-file.js";

/** Options of `writeCofw`. */
export interface WriteCofwOptions {
  /** Decides the names in the file: `IsTr`, `phisTr`, `bboxesTr` or `IsT`, `phisT`, `bboxesT`. Default `train`. */
  split?: "train" | "test";
  /** Store pictures whose channels are equal as grey ones, as some of COFW's are. Default false. */
  grey?: boolean;
}

const USER_BLOCK = 512;
const HEADER = "MATLAB 7.3 MAT-file, Platform: ACR, Created on: Thu Jan 01 00:00:00 1970 HDF5 schema 1.00 .";
const GZIP_LEVEL = 3;
/** Side of the compressed tiles. */
const CHUNK = 128;
const K = cofw29.landmarkCount;

/**
 * Writes faces in the layout of COFW's MATLAB 7.3 files: a cell array of references to transposed pictures, `phis` (29 x,
 * 29 y, 29 occluded) and `bboxes` (x, y, width, height), one-based. Faces are taken one by one, so a data set of any size
 * needs the memory of one picture. `openCofw` gives pictures and flags back exactly, coordinates to the last bit of a
 * one-based double.
 *
 * @param faces - of the scheme `cofw29`; e.g. a `FaceDataset`.
 * @throws {InvalidArgumentError} no faces, not 29 landmarks, a value that is not finite, a picture without pixels.
 * @example await writeCofw("COFW_train_color.mat", faces, { split: "train" });
 */
export async function writeCofw(
  file: string,
  faces: Iterable<Face> | AsyncIterable<Face>,
  options: WriteCofwOptions = {},
): Promise<void> {
  checkOptions("writeCofw", options, ["split", "grey"]);
  const { split = "train", grey = false } = options;
  if (split !== "train" && split !== "test")
    throw new InvalidArgumentError(`writeCofw: split must be "train" or "test"; got ${String(split)}.`);
  const suffix = split === "train" ? "Tr" : "T";
  const h5wasm = await loadHdf5();
  const [bare, whole] = [temporaryName(file), temporaryName(file)];
  try {
    const output = new h5wasm.File(bare, "w");
    try {
      const store = output.create_group("#refs#");
      const references: unknown[] = [];
      const columns: number[][] = [];
      const boxes: number[][] = [];
      for await (const face of faces) {
        const where = `face ${references.length} (${face.id}): `;
        checkLabels("writeCofw", face, { landmarkCount: K, where });
        const name = `p${references.length}`;
        const picture = planes(face.image, { grey, where });
        const stored = store.create_dataset({
          name,
          ...picture,
          dtype: "<B",
          chunks: picture.shape.map((length, axis) =>
            axis === picture.shape.length - 3 ? 1 : Math.min(CHUNK, length),
          ),
          compression: "gzip",
          compression_opts: GZIP_LEVEL,
        });
        stored.create_attribute("MATLAB_class", "uint8", [], "A5");
        references.push(stored.create_reference());
        columns.push(phi(face));
        const [x0, y0, x1, y1] = face.box;
        boxes.push([x0 + 1, y0 + 1, x1 - x0, y1 - y0]);
      }
      const count = references.length;
      if (count === 0) throw new InvalidArgumentError("writeCofw: faces must hold at least one; got none.");
      output
        .create_dataset({ name: `Is${suffix}`, data: references, shape: [1, count], dtype: "Reference" })
        .create_attribute("MATLAB_class", "cell", [], "A4");
      for (const [name, rows] of [
        [`phis${suffix}`, columns],
        [`bboxes${suffix}`, boxes],
      ] as const) {
        const height = rows[0]!.length;
        const data = Float64Array.from({ length: height * count }, (_, i) => rows[i % count]![Math.floor(i / count)]!);
        output
          .create_dataset({ name, data, shape: [height, count], dtype: "<d" })
          .create_attribute("MATLAB_class", "double", [], "A6");
      }
    } finally {
      output.close();
    }
    // HDF5 finds its data behind a user block that was put before it; MATLAB looks for its own words there.
    const head = Buffer.alloc(USER_BLOCK);
    head.write(HEADER.padEnd(116), "latin1");
    head.writeUInt16LE(0x0200, 124);
    head.write("IM", 126, "latin1");
    const target = createWriteStream(whole);
    target.write(head);
    await pipeline(createReadStream(bare), target);
    await rename(whole, file);
  } finally {
    await Promise.all([bare, whole].map((path) => rm(path, { force: true })));
  }
}

/** The 87 numbers of a face. */
function phi({ landmarks, visible }: Face): number[] {
  const axis = (offset: number) => Array.from({ length: K }, (_, k) => landmarks[2 * k + offset]! + 1);
  return [...axis(0), ...axis(1), ...Array.from({ length: K }, (_, k) => (!visible || visible[k] ? 0 : 1))];
}

/** MATLAB's order seen from C: `[3, W, H]`, or `[W, H]` for grey. */
function planes(
  { width, height, data }: RgbImage,
  { grey, where }: { grey: boolean; where: string },
): { data: Uint8Array; shape: number[] } {
  if (!(width >= 1 && height >= 1 && data.length === width * height * 3))
    throw new InvalidArgumentError(
      `writeCofw: ${where}image must be width × height × 3 bytes; got ${width} x ${height} with ${data.length}.`,
    );
  let equal = grey;
  for (let i = 0; equal && i < data.length; i += 3) equal = data[i] === data[i + 1] && data[i] === data[i + 2];
  const channels = equal ? 1 : 3;
  const plane = width * height;
  const values = new Uint8Array(channels * plane);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i += 3)
      for (let c = 0; c < channels; c++) values[c * plane + x * height + y] = data[i + c]!;
  return { data: values, shape: channels === 1 ? [width, height] : [3, width, height] };
}
