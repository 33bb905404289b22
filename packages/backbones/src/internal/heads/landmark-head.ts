import type { Scalar, Tensor, Tensor2D, Tensor3D } from "@tensorflow/tfjs-core";
import type { LayersModel, SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { Graph } from "../graph.js";

/** What a head is built from. */
export interface HeadContext {
  graph: Graph;
  /** The backbone's maps at strides 2, 4, 8, 16 and 32. */
  maps: SymbolicTensor[];
  landmarkCount: number;
  /** Height and width of the crop in pixels. */
  inputSize: readonly [number, number];
  /** Share of features dropped in training, [0, 1). */
  dropout: number;
  /** 2K coordinates, `centered` frame. */
  meanShape: readonly number[] | undefined;
  /** Name of the backbone's own pooling layer. */
  poolingName: string;
}

/** A way to read landmarks from feature maps, and to train what it reads them from. */
export interface LandmarkHead {
  /** Layer that only models with this head have. */
  marker: string;
  /** Adds the layers; the result is [B, K, 2], `centered`. */
  build(context: HeadContext): SymbolicTensor;
  /** Layers whose outputs the head's own loss reads, in the order in which it takes them. */
  trainingLayers?: readonly string[];
  /**
   * The head's own loss, mean over faces and landmarks, on top of that of the coordinates.
   *
   * @param outputs - of `trainingLayers`.
   * @param targets - [B, K, 2], `centered`.
   */
  auxiliaryLoss?(outputs: readonly Tensor[], targets: Tensor3D, model: LayersModel): Scalar;
  /** Weight of `auxiliaryLoss` where the caller names none. */
  auxiliaryWeight: number;
  /** Layers whose outputs the confidence is read from. */
  confidenceLayers?: readonly string[];
  /** Confidence in each landmark, [B, K] in [0, 1]. */
  confidence?(outputs: readonly Tensor[]): Tensor2D;
}
