import { clipByValue, mul, type Tensor } from "@tensorflow/tfjs-core";
import { LARGEST_FLOAT32 } from "./largest-float32.js";

/** Sign of e, NaN for NaN: tfjs' own gives 0 there on most backends, which would hide it in a gradient. */
export function signOf(e: Tensor): Tensor {
  return clipByValue(mul(e, LARGEST_FLOAT32), -1, 1);
}
