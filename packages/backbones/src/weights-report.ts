import type { KerasFileKind } from "./internal/open-keras-file.js";

/** What a loader of weights did. */
export interface WeightsReport {
  /** What the file is. */
  kind: KerasFileKind | "safetensors";
  /** Layers of the model that got weights, and how their partner in the file was found. */
  loaded: { layer: string; by: "name" | "order" }[];
  /** Layers of the model that kept what they had. */
  missing: string[];
  /** Layers (of PyTorch: arrays) of the file that went nowhere. */
  unused: string[];
}

/** Options of `loadWeights` and `loadKerasWeights`. */
export interface LoadWeightsOptions {
  /**
   * `true`: every layer of the model must get its weights, and every layer of the file be used (but for the classifier of a PyTorch
   * file). `"backbone"`: every layer of the model but those of its landmark head must get its weights; what else the file
   * holds is left out. `false`: what fits is loaded. Default true.
   */
  strict?: boolean | "backbone";
  /** Name of the file in errors, where `file` is bytes. Default: the path or URL, or `"weights"`. */
  fileName?: string;
}
