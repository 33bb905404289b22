import { applyAffine, type FaceDataset } from "@acr/core";
import { cropTransform, type OpenedDataset } from "@acr/datasets";

/** Labels of one face in the `centered` frame of the default crop, as training sees them. */
export interface CenteredFace {
  id: string;
  shape: Float64Array;
}

/** Reads labels one after the other; decodes no picture where the data set allows it. */
export async function* centeredFaces(dataset: FaceDataset): AsyncGenerator<CenteredFace> {
  for (let i = 0; i < dataset.length; i++) {
    const { id, box, landmarks } = isDescribed(dataset) ? dataset.describe(i) : await dataset.get(i);
    yield { id, shape: applyAffine(cropTransform(box), landmarks) };
  }
}

const isDescribed = (dataset: FaceDataset): dataset is OpenedDataset => "describe" in dataset;
