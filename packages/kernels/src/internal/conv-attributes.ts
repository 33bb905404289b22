import type { backend_util } from "@tensorflow/tfjs-core";

export type Shape4 = [number, number, number, number];

/** What tfjs tells the kernels of convolutions and of their gradients. */
export interface ConvAttributes {
  strides: number | [number, number];
  dilations?: number | [number, number];
  pad: "same" | "valid" | number | backend_util.ExplicitPadding;
  dataFormat?: string;
  dimRoundingMode?: "floor" | "round" | "ceil";
  inputShape?: Shape4;
  filterShape?: Shape4;
  /** Of fused convolutions. */
  activation?: string;
  leakyreluAlpha?: number;
}
