import { customGrad, engine, type Tensor, type Tensor4D } from "@tensorflow/tfjs-core";
import { EXCITE, EXCITE_GRADIENT, type ExciteAttributes } from "../wasm/excite-kernels.js";

/** The two 1 × 1 convolutions of squeeze and excite, [1, 1, C, S] and [1, 1, S, C], with their biases. */
export interface ExciteWeights {
  w1: Tensor;
  b1: Tensor;
  w2: Tensor;
  b2: Tensor;
}

/**
 * Squeeze and excite of a map x [B, H, W, C], plain or deferred (see `conv-unit.ts`; `norm` is then given): the map times
 * its gates sigmoid(h(mean · w₁ + b₁) · w₂ + b₂). One node of the tape instead of about fifteen; on the way back the
 * gradients through map and mean meet in the pass that goes on through the normalisation. For the wasm backend only.
 */
export function squeezeExcite(
  x: Tensor4D,
  norm: Tensor | undefined,
  { w1, b1, w2, b2 }: ExciteWeights,
  attributes: ExciteAttributes,
): Tensor4D {
  const inputs = { x, ...(norm && { norm }), w1, b1, w2, b2 };
  const attrs = attributes as never;
  const compute = customGrad((...args) => {
    const save = args.at(-1) as unknown as (tensors: Tensor[]) => void;
    const [y, map, mean, hidden, active, gates] = engine().runKernel(EXCITE, inputs, attrs) as unknown as Tensor[];
    const kept: Record<string, Tensor> = {
      ...inputs,
      map: map!,
      mean: mean!,
      hidden: hidden!,
      active: active!,
      gates: gates!,
    };
    save(Object.values(kept));
    const gradFunc = (dy: Tensor, saved: Tensor[]) => {
      const tensors = Object.fromEntries(Object.keys(kept).map((name, i) => [name, saved[i]!]));
      const gradients = engine().runKernel(EXCITE_GRADIENT, { ...tensors, dy }, attrs) as unknown as Tensor[];
      // These are this node's own clones: nobody will ask for them again, and their memory serves the next unit.
      tensors.x!.dispose();
      tensors.map!.dispose();
      return gradients;
    };
    return { value: y!, gradFunc: gradFunc as never };
  });
  return compute(...Object.values(inputs)) as Tensor4D;
}
