import type { FaceDataset } from "@acr/core";
import type { PreparedPixels } from "./prepared-pixels.js";

/** The pixels behind each data set that `openPrepared` opened. */
const known = new WeakMap<FaceDataset, PreparedPixels>();

export const preparedOf = (dataset: FaceDataset): PreparedPixels | undefined => known.get(dataset);
export const setPrepared = (dataset: FaceDataset, pixels: PreparedPixels): void => void known.set(dataset, pixels);
