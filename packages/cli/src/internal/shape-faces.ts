import { applyAffine, type FaceDataset, getLandmarkScheme, type LandmarkScheme } from "@acr/core";
import { cropImage } from "@acr/datasets";
import { renderOverlay } from "@acr/report";
import { applySimilarity, invertSimilarity, type PointModel, similarityBetween } from "@acr/shape-model";

/** A face on which the page draws difficulties. */
export interface ShapeFace {
  id: string;
  /** `data:` address of a crop that fills the `centered` frame; absent for faces drawn from the model. */
  picture?: string;
  /** Flat, in the frame of the drawing. */
  shape: Float64Array;
  /** The shape where the model knows it, and the way back to the drawing. */
  inModel: Float64Array;
  toDrawing(shape: Float64Array): Float64Array;
}

/** Side of the crops in pixels. */
const PICTURE_SIZE = 144;
/** Means beyond this are no `centered` coordinates. */
const CENTERED = 0.75;

/** The scheme that a model was fitted on, where it is one of the known ones. */
export function schemeOf(model: PointModel): LandmarkScheme | undefined {
  try {
    return getLandmarkScheme(model.scheme ?? "");
  } catch {
    return undefined;
  }
}

/** Faces of a data set, spread over it, with their pictures. */
export async function facesOfDataset(model: PointModel, dataset: FaceDataset, count: number): Promise<ShapeFace[]> {
  const faces: ShapeFace[] = [];
  for (let i = 0; i < Math.min(count, dataset.length); i++) {
    const { id, image, landmarks, box } = await dataset.get(Math.floor(((i + 0.5) * dataset.length) / count));
    const crop = cropImage(image, box, { imageSize: PICTURE_SIZE });
    const png = await renderOverlay(crop.image, {});
    const picture = `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
    faces.push({ id, picture, ...placed(model, applyAffine(crop.sourceToCentered, landmarks)) });
  }
  return faces;
}

/** Faces drawn at random from the model itself, where no data set suits it. */
export function facesOfModel(model: PointModel, count: number): ShapeFace[] {
  return Array.from({ length: count }, (_, i) => {
    const shape = model.sample(i);
    return { id: `drawn from the model, seed ${i}`, shape, inModel: shape, toDrawing: (own) => own };
  });
}

/** A model of aligned shapes, or of another frame, sees a face after it was brought onto the mean. */
function placed(model: PointModel, shape: Float64Array): Pick<ShapeFace, "shape" | "inModel" | "toDrawing"> {
  const isCentered = model.mean.every((value) => Math.abs(value) <= CENTERED);
  if (model.align === "none" && isCentered) return { shape, inModel: shape, toDrawing: (own) => own };
  const toModel = similarityBetween(shape, model.mean);
  return {
    shape,
    inModel: applySimilarity(toModel, shape),
    toDrawing: (own) => applySimilarity(invertSimilarity(toModel), own),
  };
}
