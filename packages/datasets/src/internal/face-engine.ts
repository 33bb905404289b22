import {
  type Affine,
  type Augmentation,
  type AugmentationDraw,
  applyAffine,
  type Box,
  composeAffine,
  createRandom,
  DataFormatError,
  type FaceDataset,
  InvalidArgumentError,
  invertAffine,
  type PixelChange,
  type Random,
  type RgbImage,
} from "@acr/core";
import { type CropProtocol, cropTransform } from "../crop-transform.js";
import type { OpenedDataset } from "../opened-dataset.js";
import { changePixels } from "./change-pixels.js";
import type { FaceOutcome, FaceRunner, FaceTask, PixelSource } from "./face-task.js";
import { pixelToCentered } from "./pixel-to-centered.js";
import type { PreparedPixels } from "./prepared-pixels.js";

/** Labels of a face in the frame of its source. */
export interface FaceAnnotations {
  id: string;
  box: Box;
  landmarks: ArrayLike<number>;
  visible?: ArrayLike<number>;
  file?: string;
}

/** A finished crop with its labels, on its way into a batch. */
export interface RenderedFace {
  index: number;
  id: string;
  image: RgbImage;
  /** What is still to be done to the pixels. */
  change?: PixelChange;
  /** `centered`, augmented, not yet renumbered where mirrored. */
  landmarks: Float64Array;
  visible?: ArrayLike<number>;
  sourceToCentered: Affine;
  mirrored: boolean;
}

/** Stored side over the crop's side, and stored pixels over the crop's. */
export const WIDE = { side: 1.5 / 1.3, pixels: 160 / 112 };

/** How stored squares relate to crops: `wide` leaves room to turn and shift. */
export type Extent = "wide" | "crop";

/** Side in pixels of a stored square. */
export const storedSizeOf = (imageSize: number, extent: Extent) =>
  Math.round(imageSize * (extent === "wide" ? WIDE.pixels : 1));

/** Source pixels to the `centered` frame of the stored square. */
export function storedMap(box: Box, protocol: CropProtocol, extent: Extent): Affine {
  const side = extent === "wide" ? WIDE.side : 1;
  return cropTransform(box, { protocol }).map((value) => value / side) as unknown as Affine;
}

/** Pixels of a stored square to pixels of its source. */
export function imageFrame(sourceToStored: Affine, storedSize: number): Affine {
  const [a, b, c, d, e, f] = invertAffine(sourceToStored);
  const [s, , t] = pixelToCentered(storedSize);
  return [a * s, b * s, (a + b) * t + c, d * s, e * s, (d + e) * t + f];
}

/** What the engine works with. */
export interface EngineOptions {
  imageSize: number;
  protocol: CropProtocol;
  /** Go through a stored square, kept in memory up to `megabytes`. Without it faces are cropped from their source. */
  extent?: Extent;
  megabytes?: number;
  augment?: Augmentation;
  /** Leave to a device what it can do to the pixels. */
  deferPixels?: boolean;
  seed?: number;
  /** Pixels from a prepared file instead of the sources. */
  prepared?: PreparedPixels;
  /** Started when the first face is asked for. */
  start(): FaceRunner;
}

/**
 * Turns faces of a data set into crops. What it makes depends on seed, epoch and face alone: not on threads, on what is
 * already in memory, or on the order of the calls.
 */
export class FaceEngine {
  private readonly stored = new Map<number, RgbImage>();
  private readonly storing = new Set<number>();
  /** Labels of data sets that cannot tell them without making the picture. */
  private readonly labels = new Map<number, FaceAnnotations>();
  private readonly root: Random;
  private runner: FaceRunner | undefined;
  bytes = 0;

  constructor(
    readonly dataset: FaceDataset,
    readonly options: EngineOptions,
  ) {
    this.root = createRandom(options.seed ?? 0);
  }

  /** Labels alone; decodes nothing where the data set can tell without. */
  async annotations(index: number): Promise<FaceAnnotations> {
    const opened = this.dataset as Partial<OpenedDataset>;
    if (opened.describe) return opened.describe(index);
    const known = this.labels.get(index);
    if (known) return known;
    const face = await this.dataset.get(index);
    const { id, box, landmarks, visible } = face;
    this.labels.set(index, { id, box, landmarks, ...(visible && { visible }) });
    return face;
  }

  /** Source pixels to the crop, un-augmented; `epoch` draws the margins of the paper's protocol. */
  cropMap(box: Box, index: number, epoch: number | undefined): Affine {
    const { protocol, prepared } = this.options;
    const drawn = prepared?.annotations?.(index).box ?? box;
    const random = protocol === "paper" && epoch !== undefined ? this.root.fork("margins", epoch, index) : undefined;
    const map = cropTransform(drawn, { protocol, ...(random && { random }) });
    // The faces of a prepared data set are squares; its maps start there.
    return prepared?.annotations ? composeAffine(prepared.imageToSource(index), map) : map;
  }

  /** A crop of one face. `epoch` seeds what is random; `isTraining` draws the paper's margins. */
  async render(index: number, { epoch, isTraining }: { epoch: number; isTraining: boolean }): Promise<RenderedFace> {
    const { imageSize, augment, deferPixels: defer = false } = this.options;
    const face = await this.annotations(index);
    const { id, box, landmarks, visible } = face;
    const map = this.cropMap(box, index, isTraining ? epoch : undefined);
    const state = augment && this.root.fork("augment", epoch, index).state();
    const {
      geometry,
      mirrored = false,
      photometric,
    }: AugmentationDraw = state ? augment.draw(createRandom(state)) : {};
    const sourceToCentered = geometry ? composeAffine(map, geometry) : map;
    const runner = this.ready();
    const { task, frame, settle } = await this.plan(index, face);
    const outcome = await runner.run({
      ...task,
      crop: { map: composeAffine(frame, sourceToCentered), size: imageSize },
      ...(runner.drawsPixels && photometric && state && { random: state, defer }),
    });
    settle(outcome.message === undefined);
    const image = this.imageOf(outcome, face);
    // The same draw from the same state, here because threads cannot build this augmentation.
    const change = runner.drawsPixels
      ? (outcome as { change?: PixelChange }).change
      : changePixels(image, photometric, { defer });
    const centered = applyAffine(map, landmarks);
    return {
      index,
      id,
      image,
      ...(change && { change }),
      landmarks: geometry ? applyAffine(geometry, centered) : centered,
      ...(visible && { visible }),
      sourceToCentered,
      mirrored,
    };
  }

  /** The stored square of one face. */
  async storedImage(index: number): Promise<{
    face: FaceAnnotations;
    image: RgbImage;
    imageToSource: Affine;
    size?: { width: number; height: number };
  }> {
    const face = await this.annotations(index);
    const kept = this.stored.get(index);
    const { task, frame, settle } = await this.plan(index, face);
    if (kept) return { face, image: kept, imageToSource: frame };
    const outcome = await this.ready().run(task);
    settle(outcome.message === undefined);
    const image = this.imageOf(outcome, face);
    const { sourceWidth: width, sourceHeight: height } = outcome as Extract<FaceOutcome, { image: RgbImage }>;
    return { face, image, imageToSource: frame, size: { width, height } };
  }

  async close(): Promise<void> {
    const runner = this.runner;
    this.runner = undefined;
    await runner?.close();
  }

  private ready(): FaceRunner {
    this.runner ??= this.options.start();
    return this.runner;
  }

  /** Where the pixels are and the map from them to the source; `settle` is to be called with how it went. */
  private async plan(
    index: number,
    face: FaceAnnotations,
  ): Promise<{ task: Pick<FaceTask, "source" | "store">; frame: Affine; settle(isWell: boolean): void }> {
    const { prepared, extent, imageSize, protocol, megabytes = 0 } = this.options;
    const settle = () => {};
    if (prepared) {
      // Squares of a prepared data set are their own source frame.
      const frame = prepared.annotations ? IDENTITY : prepared.imageToSource(index);
      return { task: { source: prepared.source(index) }, frame, settle };
    }
    if (!extent) return { task: { source: await this.pixels(index, face) }, frame: IDENTITY, settle };
    const size = storedSizeOf(imageSize, extent);
    const map = storedMap(face.box, protocol, extent);
    const frame = imageFrame(map, size);
    const kept = this.stored.get(index);
    if (kept) return { task: { source: { kind: "pixels", image: kept } }, frame, settle };
    const source = await this.pixels(index, face);
    const faceBytes = size * size * 3;
    // Beyond the memory the square is made all the same: what is remembered must not change a pixel.
    if (this.storing.has(index) || this.bytes + faceBytes > megabytes * 1e6)
      return { task: { source, store: { map, size } }, frame, settle };
    this.storing.add(index);
    this.bytes += faceBytes;
    const data = new Uint8Array(shared(faceBytes));
    return {
      task: { source, store: { map, size, into: data } },
      frame,
      settle: (isWell) => {
        this.storing.delete(index);
        if (isWell) this.stored.set(index, { width: size, height: size, data });
        // A face that could not be read is not remembered, so that a later try can succeed.
        else this.bytes -= faceBytes;
      },
    };
  }

  private async pixels(index: number, face: FaceAnnotations): Promise<PixelSource> {
    if (face.file !== undefined) return { kind: "file", file: face.file };
    const image = (face as { image?: RgbImage }).image ?? (await this.dataset.get(index)).image;
    return { kind: "pixels", image };
  }

  private imageOf(outcome: FaceOutcome, { id, file }: FaceAnnotations): RgbImage {
    if (outcome.message === undefined) return outcome.image;
    const { message, isData } = outcome;
    if (!isData) throw new InvalidArgumentError(`createLoader: face ${id} could not be made: ${message}`);
    const where = file ?? this.options.prepared?.file ?? id;
    const plain = message.startsWith(`${where}: `) ? message.slice(where.length + 2) : message;
    throw new DataFormatError(plain, { file: where });
  }
}

const IDENTITY: Affine = [1, 0, 0, 0, 1, 0];

/** Memory that threads see without a copy, where the platform has it. */
const shared = (bytes: number): ArrayBufferLike =>
  typeof SharedArrayBuffer === "undefined" ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes);
