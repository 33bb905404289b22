import type { ElementType } from "./webgpu-runtime.js";

/** Maps whose channels are a multiple of four are read four at a time. */
export const elementType = (channels: number): ElementType => (channels % 4 === 0 ? "vec4<f32>" : "f32");

/** How a [rows, columns] matrix is summed over its rows: workgroups of `lanes` columns × `rows`, each on a chunk of rows. */
export interface Columns {
  lanes: number;
  rows: number;
  chunks: number;
  chunkRows: number;
  groups: [number, number, number];
}

/** Few kinds, since each is a program to compile. */
const LEAST_LANES = 4;
const MOST_LANES = 16;
const THREADS = 256;
/** One thread of a column merges what the others have found, in turn: cheaper than a tree that waits at each of its levels. */
const MOST_ROWS = 32;
/** Rows that a thread should have at least before the matrix is cut into chunks. */
const ROWS_EACH = 8;
export const MOST_CHUNKS = 128;

/** The cut of a matrix that keeps a GPU busy and the merging of its chunks short. */
export function columns(width: number, height: number, mostChunks: number): Columns {
  let lanes = LEAST_LANES;
  while (lanes < width && lanes < MOST_LANES) lanes *= 2;
  const rows = Math.min(MOST_ROWS, THREADS / lanes);
  const wanted = Math.max(1, Math.min(mostChunks, Math.ceil(height / (rows * ROWS_EACH))));
  const chunkRows = Math.ceil(height / wanted);
  const chunks = Math.ceil(height / chunkRows);
  return { lanes, rows, chunks, chunkRows, groups: [Math.ceil(width / lanes), chunks, 1] };
}
