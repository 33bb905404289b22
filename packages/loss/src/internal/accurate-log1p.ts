import { add, div, equal, log, mul, sub, type Tensor, where } from "@tensorflow/tfjs-core";

/**
 * ln(1 + x) to float32 precision on every backend, x >= 0. tfjs' own is ln of the rounded 1 + x on `wasm`, which loses
 * half of the digits at x = 1e-4. The rounding error of u = 1 + x cancels in x · ln(u) / (u − 1) (Kahan; Goldberg 1991,
 * theorem 4).
 */
export function accurateLog1p(x: Tensor): Tensor {
  const u = add(x, 1);
  const rounded = sub(u, 1);
  return where(equal(rounded, 0), x, mul(x, div(log(u), rounded)));
}
