import type { FaceCache } from "../create-face-cache.js";
import type { FaceEngine } from "./face-engine.js";

/** The engine behind each cache that `createFaceCache` made. */
export const engineOfCache = new WeakMap<FaceCache, FaceEngine>();
