import {
  type Box,
  checkOptions,
  createRandom,
  type Face,
  type FaceDataset,
  getLandmarkScheme,
  InvalidArgumentError,
  type LandmarkScheme,
} from "@acr/core";
import { Canvas } from "./internal/canvas.js";
import { drawFaceParameters, type FaceParameters } from "./internal/face-parameters.js";
import { locateLandmarks } from "./internal/locate-landmarks.js";
import { flatten, placeFace, renderFace } from "./internal/render-face.js";

export interface SyntheticFacesOptions {
  /** Number of faces, an integer >= 1. Default 1000. */
  readonly count?: number;
  /** Any finite number or a text. Other seeds give other people. Default 0. */
  readonly seed?: number | string;
  /** `ibug68`, `cofw29` or `wflw98`, as a scheme or its id. Default `ibug68`. */
  readonly scheme?: LandmarkScheme | string;
  /** Side of the square pictures in pixels, 32 … 1024. Default 128. */
  readonly imageSize?: number;
  /** Largest turn of the head to either side in degrees, 0 … 75. Default 45. */
  readonly maxYawDegrees?: number;
  /**
   * Share of faces behind a hand, an object, a mask, a scarf or hair, 0 … 1. Default 0.2, which hides about 9 % of the
   * points; for `cofw29` 0.7, which hides about 23 % of them, as in COFW.
   */
  readonly occlusionProbability?: number;
  /**
   * `"varied"`: light, hair, beards, glasses, occluders, backgrounds and camera faults all vary. `"plain"`: even light
   * on a grey ground and nothing before the face, to look at geometry alone. Default `"varied"`.
   */
  readonly appearance?: "varied" | "plain";
}

const KNOWN = ["count", "seed", "scheme", "imageSize", "maxYawDegrees", "occlusionProbability", "appearance"];

/** What is known of a face; the last six are the attributes of WFLW, whose subsets they make. */
function tagsOf({ pose, expression, appearance, light, effects }: FaceParameters) {
  const smile = (expression.smile[0] + expression.smile[1]) / 2;
  const { mouthOpen, pucker, eyeClosure } = expression;
  const { hairStyle, beard, glasses, occluder } = appearance;
  return {
    yawDegrees: pose.yawDegrees,
    pitchDegrees: pose.pitchDegrees,
    rollDegrees: pose.rollDegrees,
    mouthOpen,
    smile,
    hairStyle,
    beard,
    glasses,
    occluder,
    largepose: Math.abs(pose.yawDegrees) > 35 || Math.abs(pose.pitchDegrees) > 20,
    expression: mouthOpen > 0.5 || smile > 0.8 || pucker > 0.5 || Math.max(...eyeClosure) > 0.95,
    illumination: light.key[1] > 1.2 * light.ambient[1] && Math.abs(light.direction[0]) > 0.6,
    makeup: appearance.paintedLips,
    occlusion: occluder !== "none" || glasses === "sun",
    blur: effects.blurPixels > 0.9,
  };
}

/** A `FaceDataset` that can also tell labels without painting. */
export interface SyntheticFaces extends FaceDataset {
  /** What `get(index)` gives, but for the picture and for `visible`, which only painting tells: ten times as fast. */
  describe(index: number): Omit<Face, "image" | "visible">;
}

/** Defaults of `occlusionProbability` that differ from 0.2. */
const OCCLUSION: Readonly<Record<string, number>> = { cofw29: 0.7 };

function refuse(option: string, expected: string, got: unknown): never {
  throw new InvalidArgumentError(`createSyntheticFaces: ${option} must be ${expected}; got ${String(got)}.`);
}

const isWithin = (value: unknown, low: number, high: number) =>
  typeof value === "number" && value >= low && value <= high;

function tightBox(landmarks: Float32Array): Box {
  const box: [number, number, number, number] = [landmarks[0]!, landmarks[1]!, landmarks[0]!, landmarks[1]!];
  for (let k = 0; k < landmarks.length; k += 2) {
    box[0] = Math.min(box[0], landmarks[k]!);
    box[1] = Math.min(box[1], landmarks[k + 1]!);
    box[2] = Math.max(box[2], landmarks[k]!);
    box[3] = Math.max(box[3], landmarks[k + 1]!);
  }
  return box;
}

/**
 * Faces drawn by a program and annotated by the same geometry: training data with nothing to download.
 *
 * A parametric three-dimensional head (identity, expression, jaw) is turned, seen through a pinhole camera, lit and
 * painted; eyes, brows, nose and mouth are drawn along the very curves from which the landmarks are taken. Face i
 * depends on the seed and on i alone; with equal options the picture does not depend on the scheme.
 *
 * Units: landmarks and box in the `pixel` frame. `box` is the tight box of the landmarks, of any scheme.
 * Edges: as in 300-W, jaw points of a turned head stay on its visible outline; every other hidden point is annotated
 * where it is and has `visible` 0, as has any point behind hair, dark glasses, a frame or an occluder.
 * Tags: `yawDegrees` (positive: nose to the image's right), `pitchDegrees` (positive: up), `rollDegrees` (positive:
 * counter-clockwise as seen), `hairStyle`, `beard`, `glasses`, `occluder`, `mouthOpen`, `smile`, and as true or false the
 * attributes of WFLW: `largepose`, `expression`, `illumination`, `makeup`, `occlusion`, `blur`.
 *
 * @throws {InvalidArgumentError} an option is unknown or out of range; `get` of an index outside the data set.
 * @example
 * const faces = createSyntheticFaces({ count: 100, seed: 1 });
 * const face = await faces.get(7); // face.landmarks holds 136 values
 */
export function createSyntheticFaces(options: SyntheticFacesOptions = {}): SyntheticFaces {
  checkOptions("createSyntheticFaces", options, KNOWN);
  const { count = 1000, seed = 0, imageSize = 128, maxYawDegrees = 45, appearance = "varied" } = options;
  if (!Number.isInteger(count) || count < 1) refuse("count", "an integer >= 1", count);
  if (!Number.isInteger(imageSize) || imageSize < 32 || imageSize > 1024)
    refuse("imageSize", "an integer from 32 to 1024", imageSize);
  if (!isWithin(maxYawDegrees, 0, 75)) refuse("maxYawDegrees", "from 0 to 75", maxYawDegrees);
  if (appearance !== "varied" && appearance !== "plain") refuse("appearance", `"varied" or "plain"`, appearance);
  // Only the schemes of core are known to the geometry, so a scheme object counts by its id.
  const { scheme: wanted = "ibug68" } = options;
  const schemeId = typeof wanted === "string" ? wanted : wanted?.id;
  if (typeof schemeId !== "string") refuse("scheme", "a landmark scheme or its id", wanted);
  const scheme = getLandmarkScheme(schemeId);
  const occlusionProbability = options.occlusionProbability ?? OCCLUSION[scheme.id] ?? 0.2;
  if (!isWithin(occlusionProbability, 0, 1)) refuse("occlusionProbability", "from 0 to 1", occlusionProbability);
  const random = createRandom(seed);
  const plain = appearance === "plain";
  const canvas = new Canvas(imageSize);

  const start = (index: number) => {
    if (!Number.isInteger(index) || index < 0 || index >= count) {
      throw new InvalidArgumentError(
        `FaceDataset.get: index must be an integer from 0 to ${count - 1}; got ${String(index)}.`,
      );
    }
    const stream = random.fork("face", index);
    return { stream, parameters: drawFaceParameters(stream, { maxYawDegrees, occlusionProbability, plain }) };
  };
  const labels = (index: number, parameters: FaceParameters, landmarks: Float32Array) => ({
    id: `synthetic-${seed}-${index}`,
    landmarks,
    box: tightBox(landmarks),
    scheme,
    tags: tagsOf(parameters),
  });
  const render = (index: number): Face => {
    const { stream, parameters } = start(index);
    const { data, landmarks, visible } = renderFace(parameters, scheme, canvas, stream, plain);
    return {
      ...labels(index, parameters, landmarks),
      image: { width: imageSize, height: imageSize, data },
      visible,
    };
  };
  return {
    name: `synthetic:${seed}`,
    length: count,
    scheme,
    get: async (index) => render(index),
    describe: (index) => {
      const { parameters } = start(index);
      const { curves, toPixels } = placeFace(parameters, imageSize);
      return labels(index, parameters, flatten(locateLandmarks(scheme, curves, toPixels)));
    },
    async *[Symbol.asyncIterator]() {
      for (let index = 0; index < count; index++) yield render(index);
    },
  };
}
