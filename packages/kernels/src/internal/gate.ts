import { engine, mean, mul, type Tensor, type Tensor4D } from "@tensorflow/tfjs-core";
import { AREA_MEAN, GATE } from "../wasm/gate-kernels.js";
import { currentWasmRuntime } from "./current-wasm-runtime.js";

/** Mean over height and width: [B, H, W, C] → [B, C]. tfjs' own gradient multiplies with a map of ones. */
export function areaMean(x: Tensor4D): Tensor {
  if (!currentWasmRuntime() || x.dtype !== "float32") return mean(x, [1, 2]);
  return engine().runKernel(AREA_MEAN, { x }, { shape: x.shape } as never) as Tensor;
}

/** y = x · gates, x [B, H, W, C] and gates [B, 1, 1, C]; both gradients come from one pass. */
export function gate(x: Tensor4D, gates: Tensor4D): Tensor4D {
  const isFused = currentWasmRuntime() && x.dtype === "float32" && gates.dtype === "float32";
  return isFused ? (engine().runKernel(GATE, { x, gates }) as Tensor4D) : mul(x, gates);
}
