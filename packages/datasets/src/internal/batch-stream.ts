import { DataFormatError, type LandmarkScheme, packPixelChanges } from "@acr/core";
import type { Batch } from "../batch.js";
import type { DataFault } from "../data-fault.js";
import type { RenderedFace } from "./face-engine.js";
import { toFault } from "./to-fault.js";

/** What `batchStream` needs. */
export interface BatchStreamOptions {
  scheme: LandmarkScheme;
  imageSize: number;
  /** Indices of the faces of each batch, in order. */
  batches: readonly (readonly number[])[];
  /** Place of the first of them in the whole pass. Default 0. */
  firstBatch?: number;
  render(index: number): Promise<RenderedFace>;
  /** Put into the batch what is still to be done to its pixels. */
  deferPixels?: boolean;
  /** Leave faces out that cannot be read, and say so; else the first one ends the pass. */
  onFault?: ((fault: DataFault) => void) | undefined;
}

/** Faces under way at least: enough to keep threads busy. Their number bounds the memory. */
const AHEAD = 32;

/** Asks for faces ahead, within a bound, and gives batches in order. */
export async function* batchStream(options: BatchStreamOptions): AsyncGenerator<Batch> {
  const { batches, firstBatch = 0, render, onFault } = options;
  const order = batches.flat();
  const underWay: (Promise<RenderedFace> | undefined)[] = [];
  // While the model trains on one batch, the threads fill the next.
  const ahead = Math.max(AHEAD, 2 * Math.max(0, ...batches.map(({ length }) => length)));
  let asked = 0;
  let taken = 0;
  const ask = () => {
    for (; asked < Math.min(taken + ahead, order.length); asked++) {
      const face = render(order[asked]!);
      // A failure is reported when its face is due, not before.
      face.catch(() => {});
      underWay[asked] = face;
    }
  };
  for (const [place, indices] of batches.entries()) {
    const faces: RenderedFace[] = [];
    for (let i = 0; i < indices.length; i++) {
      ask();
      const next = underWay[taken]!;
      underWay[taken++] = undefined;
      try {
        faces.push(await next);
      } catch (error) {
        if (!onFault || !DataFormatError.isInstance(error)) throw error;
        onFault(toFault(error));
      }
    }
    ask();
    if (faces.length > 0) yield assemble(faces, firstBatch + place, options);
  }
}

function assemble(
  faces: readonly RenderedFace[],
  index: number,
  { scheme: { landmarkCount, mirror }, imageSize, deferPixels }: BatchStreamOptions,
): Batch {
  const size = faces.length;
  const batch: Batch = {
    size,
    index,
    imageSize,
    images: new Uint8Array(size * imageSize * imageSize * 3),
    landmarks: new Float32Array(size * landmarkCount * 2),
    visible: new Uint8Array(size * landmarkCount).fill(1),
    ids: faces.map(({ id }) => id),
    indices: faces.map(({ index }) => index),
    sourceToCentered: faces.map(({ sourceToCentered }) => sourceToCentered),
    mirrored: Uint8Array.from(faces, ({ mirrored }) => (mirrored ? 1 : 0)),
    ...(deferPixels && { changes: packPixelChanges(faces.map(({ change }) => change)) }),
  };
  faces.forEach(({ image, landmarks, visible, mirrored }, place) => {
    batch.images.set(image.data, place * imageSize * imageSize * 3);
    for (let k = 0; k < landmarkCount; k++) {
      const from = mirrored ? mirror[k]! : k;
      const at = place * landmarkCount + k;
      batch.landmarks[2 * at] = landmarks[2 * from]!;
      batch.landmarks[2 * at + 1] = landmarks[2 * from + 1]!;
      if (visible) batch.visible[at] = visible[from] ? 1 : 0;
    }
  });
  return batch;
}
