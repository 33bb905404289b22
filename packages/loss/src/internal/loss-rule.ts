import type { Tensor } from "@tensorflow/tfjs-core";

/** Loss of each coordinate and its derivative by the prediction, both shaped like the error. */
export interface LossTerms {
  value: Tensor;
  slope: Tensor;
}

/** What a host pass reads: float32 arrays of one length; `difficulty` and `weights` are already one value a coordinate. */
export interface HostInputs {
  predictions: Float32Array;
  targets: Float32Array;
  difficulty: Float32Array | undefined;
  weights: Float32Array | undefined;
  wantValues: boolean;
  wantSlopes: boolean;
  /** Multiplies the slopes: 1 / count for a mean. */
  slopeFactor: number;
}

/** What a host pass gives: arrays are fresh, or views that the next pass overwrites when `isView`. */
export interface HostOutputs {
  sum: number;
  values?: Float32Array;
  slopes?: Float32Array;
  isView: boolean;
}

/**
 * One loss with its options fixed, as a function of a single error e = prediction − target and its difficulty Φ
 * (ignored by all but ACR): once in numbers (float64), which define it, and once in tensors, for backends that keep their
 * data on a GPU.
 */
export interface LossRule {
  /** Starts messages, e.g. `"wingLoss"`. */
  readonly functionName: string;
  readonly needsDifficulty: boolean;
  value(e: number, phi: number): number;
  /** First derivative by e; 0 at e = 0. */
  slope(e: number, phi: number): number;
  /** Second derivative by e where it exists; 0 at corners, and at e = 0 where it is infinite. */
  curvature(e: number, phi: number): number;
  graph(e: Tensor, phi: Tensor): LossTerms;
  graphCurvature(e: Tensor, phi: Tensor): Tensor;
  /** One pass over the arrays, for backends whose data lies in the host's memory. Without it, or where it gives nothing, the graph runs. */
  hostPass?(rule: LossRule, inputs: HostInputs): HostOutputs | undefined;
}
