import type { SymbolicTensor } from "@tensorflow/tfjs-layers";

/** What a caller may choose for any family. */
export interface GraphOptions {
  seed: number | string;
  /** Default: the family's own, as in Keras. */
  batchNormMomentum?: number;
  /** Default: the family's own, as in Keras. */
  batchNormEpsilon?: number;
  /** How convolutions of stride 2 are padded: TensorFlow's way, or alike on both sides. Default: the family's own. */
  padding?: "same" | "symmetric";
  /** Chance of skipping the last residual branch; falls linearly to 0 at the first. Default: the family's own. */
  dropPath?: number;
}

/** What a family builds. */
export interface FeatureMaps {
  /** The last map at strides 2, 4, 8, 16 and 32, finest first. */
  maps: SymbolicTensor[];
  /** Keras' name of the pooling layer behind it. */
  poolingName: { avg: string; max: string };
}
