import { type FaceDataset, getLandmarkScheme } from "@acr/core";
import { convertLandmarks } from "./convert-landmarks.js";
import type { FaceRecord, OpenedDataset } from "./opened-dataset.js";

/**
 * A data set seen in another landmark scheme; see `convertLandmarks`. Boxes and pictures stay as they are.
 *
 * @throws {InvalidArgumentError} there is no conversion between the schemes.
 * @example const faces = convertScheme(await open300W({ root: "300w" }), "cofw29");
 */
export function convertScheme(dataset: FaceDataset, to: string): OpenedDataset {
  const scheme = getLandmarkScheme(to);
  const from = dataset.scheme.id;
  // Fails here rather than at the first face.
  convertLandmarks(new Float64Array(2 * dataset.scheme.landmarkCount), { from, to });
  const convert = <T extends { landmarks: ArrayLike<number>; visible?: ArrayLike<number> }>(face: T): T => {
    const { landmarks, visible } = face;
    return { ...face, ...convertLandmarks(landmarks, { from, to, ...(visible && { visible }) }) };
  };
  const opened = dataset as Partial<OpenedDataset>;
  const get = async (index: number) => ({ ...convert(await dataset.get(index)), scheme });
  return {
    name: `${dataset.name}>${to}`,
    length: dataset.length,
    scheme,
    faults: opened.faults ?? [],
    skipped: opened.skipped ?? 0,
    // Without this method a data set is read face by face, which is right where it cannot describe its faces.
    ...(opened.describe && { describe: (index: number): FaceRecord => convert(opened.describe!(index)) }),
    get,
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < dataset.length; i++) yield get(i);
    },
  } as OpenedDataset;
}
