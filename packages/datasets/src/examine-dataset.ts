import { checkOptions, DataFormatError, type FaceDataset, InvalidArgumentError } from "@acr/core";
import type { DataFault } from "./data-fault.js";
import { checkWorkers } from "./internal/check-workers.js";
import { FaceEngine } from "./internal/face-engine.js";
import {
  correlation,
  HASH_SIZE,
  hashDistance,
  type PerceptualHash,
  perceptualHash,
} from "./internal/perceptual-hash.js";
import { startRunner } from "./internal/start-runner.js";
import { tightBox } from "./internal/tight-box.js";
import { toFault } from "./internal/to-fault.js";

/** Options of `examineDataset`. */
export interface ExamineOptions {
  /** Other splits, to find faces that are in both. */
  others?: readonly FaceDataset[];
  /** Bits of 63 that two hashes may differ in. Default 12. */
  hashBits?: number;
  /** Least correlation of the 32 × 32 grey faces of a pair. Default 0.95. */
  correlation?: number;
  /** Threads that decode. Default: up to 2 where it helps. */
  workers?: number;
  /** Told after each face. */
  onProgress?(done: number, total: number): void;
}

/** Two faces that are probably one photograph. */
export interface DuplicatePair {
  first: string;
  second: string;
  /** Names of their data sets; different ones are a leak from training to test. */
  firstSet: string;
  secondSet: string;
  /** Of the grey faces, up to 1. */
  correlation: number;
}

/** What a look at every picture tells. */
export interface DatasetExamination {
  /** Pictures that cannot be decoded. */
  faults: DataFault[];
  /** Faces with landmarks outside the picture, by more than half a pixel. */
  outside: { id: string; landmarks: number[]; width: number; height: number }[];
  /** Faces whose box and landmarks do not belong together. */
  disagreements: { id: string; inside: number; overlap: number }[];
  duplicates: DuplicatePair[];
  warnings: string[];
}

const AHEAD = 32;
/** A box is doubted where it holds fewer of the landmarks, or overlaps their tight box less. */
const LEAST_INSIDE = 0.75;
const LEAST_OVERLAP = 0.3;

/**
 * Decodes every face of a data set and looks for what labels alone do not tell: pictures that cannot be decoded, landmarks
 * outside, boxes that do not fit, photographs that occur twice, labels counted from the wrong end.
 *
 * Duplicates: each face is cropped by its box to 32 × 32; two are a pair where the signs of their 63 lowest frequencies
 * differ in at most `hashBits` and their grey levels correlate. So two labellings of one photo are found; two photos of
 * one person are not. Cost: one decoding a face, and a comparison of 63 bits a pair.
 *
 * @throws {InvalidArgumentError} an option is out of range.
 * @example (await examineDataset(train, { others: [test] })).duplicates;
 */
export async function examineDataset(dataset: FaceDataset, options: ExamineOptions = {}): Promise<DatasetExamination> {
  checkOptions("examineDataset", options, ["others", "hashBits", "correlation", "workers", "onProgress"]);
  const { others = [], hashBits = 12, correlation: least = 0.95, workers, onProgress } = options;
  checkWorkers("examineDataset", workers);
  if (!(hashBits >= 0 && hashBits <= 63) || !(least >= -1 && least <= 1))
    throw new InvalidArgumentError(
      `examineDataset: hashBits must be in [0, 63] and correlation in [-1, 1]; got ${hashBits} and ${least}.`,
    );
  const result: DatasetExamination = { faults: [], outside: [], disagreements: [], duplicates: [], warnings: [] };
  const total = dataset.length + others.reduce((sum, { length }) => sum + length, 0);
  let done = 0;
  const hashes: { id: string; set: string; isOwn: boolean; hash: PerceptualHash }[] = [];
  const base = { whole: true, least: Number.POSITIVE_INFINITY, reachesEnd: false };
  for (const set of [dataset, ...others]) {
    const isFirst = set === dataset;
    for await (const seen of look(set, workers)) {
      onProgress?.(++done, total);
      if ("message" in seen) {
        if (isFirst) result.faults.push(seen);
        continue;
      }
      const { face, image, size } = seen;
      hashes.push({ id: face.id, set: set.name, isOwn: isFirst, hash: perceptualHash(image) });
      if (!isFirst) continue;
      const { landmarks, box, id } = face;
      const outside: number[] = [];
      let inside = 0;
      for (let k = 0; k < landmarks.length / 2; k++) {
        const [x, y] = [landmarks[2 * k]!, landmarks[2 * k + 1]!];
        if (x < -0.5 || y < -0.5 || x > size.width - 0.5 || y > size.height - 0.5) outside.push(k);
        if (x >= box[0] && y >= box[1] && x <= box[2] && y <= box[3]) inside++;
        base.whole &&= Number.isInteger(x) && Number.isInteger(y);
        base.least = Math.min(base.least, x, y);
        base.reachesEnd ||= x === size.width || y === size.height;
      }
      if (outside.length > 0) result.outside.push({ id, landmarks: outside, ...size });
      const share = (2 * inside) / landmarks.length;
      const overlap = intersectionOverUnion(box, tightBox(landmarks));
      if (share < LEAST_INSIDE || overlap < LEAST_OVERLAP) result.disagreements.push({ id, inside: share, overlap });
    }
  }
  if (base.whole && base.least === -1)
    result.warnings.push("labels reach -1 and are whole pixels: they look zero-based, but the format is one-based.");
  if (base.whole && base.least >= 1 && base.reachesEnd)
    result.warnings.push(
      "labels reach the picture's width or height and never 0: they look one-based, but the format is zero-based.",
    );
  const own = hashes.filter(({ isOwn }) => isOwn).length;
  for (let i = 0; i < own; i++)
    for (let j = i + 1; j < hashes.length; j++) {
      const [a, b] = [hashes[i]!, hashes[j]!];
      if (hashDistance(a.hash, b.hash) > hashBits) continue;
      const likeness = correlation(a.hash, b.hash);
      if (likeness >= least)
        result.duplicates.push({ first: a.id, second: b.id, firstSet: a.set, secondSet: b.set, correlation: likeness });
    }
  result.duplicates.sort((a, b) => b.correlation - a.correlation);
  return result;
}

async function* look(dataset: FaceDataset, workers: number | undefined) {
  const engine = new FaceEngine(dataset, {
    imageSize: HASH_SIZE,
    protocol: "padded",
    extent: "crop",
    megabytes: 0,
    start: () => startRunner({ faceCount: dataset.length, ...(workers !== undefined && { workers }) }),
  });
  try {
    const underWay: ReturnType<FaceEngine["storedImage"]>[] = [];
    for (let i = 0, asked = 0; i < dataset.length; i++) {
      for (; asked < Math.min(i + AHEAD, dataset.length); asked++) {
        underWay[asked] = engine.storedImage(asked);
        underWay[asked]!.catch(() => {});
      }
      try {
        const { face, image, size } = await underWay[i]!;
        yield { face, image, size: size! };
      } catch (error) {
        if (!DataFormatError.isInstance(error)) throw error;
        yield toFault(error);
      }
      delete underWay[i];
    }
  } finally {
    await engine.close();
  }
}

type Corners = readonly [number, number, number, number];
function intersectionOverUnion(a: Corners, b: Corners): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  const common = Math.max(0, width) * Math.max(0, height);
  const area = ([x0, y0, x1, y1]: Corners) => (x1 - x0) * (y1 - y0);
  return common / (area(a) + area(b) - common);
}
