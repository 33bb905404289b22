import type { BackendInfo } from "@acr/backend";

/** Engines whose memory is their own; what does not fit there has no swap to go to. */
export const isOnGpu = ({ gpu, name }: Pick<BackendInfo, "gpu" | "name">): boolean => gpu === true || name === "webgpu";
