import type { FaceCache } from "../create-face-cache.js";
import type { CropProtocol } from "../crop-transform.js";
import { engineOfCache } from "./engine-of-cache.js";
import type { FaceEngine } from "./face-engine.js";

/** Memory for stored faces in megabytes, unless said otherwise. */
export const DEFAULT_MEGABYTES = 200;

/** The cache that an engine keeps. */
export function cacheOf(
  engine: FaceEngine,
  { imageSize, protocol }: { imageSize: number; protocol: CropProtocol },
): FaceCache {
  const cache: FaceCache = {
    imageSize,
    protocol,
    length: engine.dataset.length,
    get bytes() {
      return engine.bytes;
    },
    annotations: async (index) => {
      const { id, box, landmarks, visible } = await engine.annotations(index);
      return { id, box, landmarks, ...(visible && { visible }) };
    },
    get: async (index) => {
      const { face, image, imageToSource } = await engine.storedImage(index);
      const { id, box, landmarks, visible } = face;
      return { id, image, imageToSource, box, landmarks, ...(visible && { visible }) };
    },
    close: () => engine.close(),
  };
  engineOfCache.set(cache, engine);
  return cache;
}
