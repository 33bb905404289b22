export type { Batch } from "./batch.js";
export {
  type ConvertDatasetOptions,
  type ConvertedDataset,
  convertDataset,
  DATA_FORMATS,
  type DataFormat,
} from "./convert-dataset.js";
export { type ConvertedLandmarks, type ConvertLandmarksOptions, convertLandmarks } from "./convert-landmarks.js";
export { convertScheme } from "./convert-scheme.js";
export { type BatchOptions, createBatches } from "./create-batches.js";
export { type CachedFace, createFaceCache, type FaceCache, type FaceCacheOptions } from "./create-face-cache.js";
export { createLoader, type Loader, type LoaderOptions } from "./create-loader.js";
export { type CropFacesOptions, cropFaces, type FaceCrop } from "./crop-faces.js";
export { type Crop, type CropImageOptions, cropImage } from "./crop-image.js";
export { type CropProtocol, type CropTransformOptions, cropTransform } from "./crop-transform.js";
export type { DataFault } from "./data-fault.js";
export { type DatasetExamination, type DuplicatePair, type ExamineOptions, examineDataset } from "./examine-dataset.js";
export type { FaceLabels } from "./face-labels.js";
export { type DatasetInspection, type InspectOptions, inspectDataset } from "./inspect-dataset.js";
export type { ListParseOptions } from "./internal/listed-face.js";
export { type Open300WOptions, open300W } from "./open-300w.js";
export { type CofwDataset, type OpenCofwOptions, openCofw } from "./open-cofw.js";
export { type OpenCofw68Options, openCofw68 } from "./open-cofw68.js";
export { type OpenListOptions, openList } from "./open-list.js";
export { type OpenPointsOptions, openPoints } from "./open-points.js";
export { type OpenPreparedOptions, openPrepared, type PreparedDataset } from "./open-prepared.js";
export { type OpenWflwOptions, openWflw, type WflwSplit } from "./open-wflw.js";
export type { FaceRecord, OpenedDataset } from "./opened-dataset.js";
export { parseCoco } from "./parse-coco.js";
export { parseCsv } from "./parse-csv.js";
export { parseDlibXml } from "./parse-dlib-xml.js";
export { type PointLabels, parsePointsJson } from "./parse-points-json.js";
export { parsePts } from "./parse-pts.js";
export { type PreparedSummary, type PrepareOptions, prepareDataset } from "./prepare-dataset.js";
export { type ReadImageOptions, readImage } from "./read-image.js";
export { readPts } from "./read-pts.js";
export { type TensorBatch, tensorBatches } from "./tensor-batches.js";
export { type FitDataset, toFitDataset } from "./to-fit-dataset.js";
export { type WriteCocoOptions, writeCoco } from "./write-coco.js";
export { type WriteCofwOptions, writeCofw } from "./write-cofw.js";
export { writeCsv } from "./write-csv.js";
export { type WriteDlibXmlOptions, writeDlibXml } from "./write-dlib-xml.js";
export { type WriteJsonLabels, writeJson } from "./write-json.js";
export { type WriteLjsonOptions, writeLjson } from "./write-ljson.js";
export { writePts } from "./write-pts.js";
export { writeWflw } from "./write-wflw.js";
