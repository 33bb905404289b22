import {
  Conv2D,
  Conv2DBackpropFilter,
  Conv2DBackpropInput,
  DepthwiseConv2dNative,
  DepthwiseConv2dNativeBackpropFilter,
  DepthwiseConv2dNativeBackpropInput,
  engine,
  type GradConfig,
  getGradient,
  type NamedAttrMap,
  type Tensor,
} from "@tensorflow/tfjs-core";
import type { ConvAttributes } from "../internal/conv-attributes.js";
import { currentWasmRuntime } from "../internal/current-wasm-runtime.js";

/**
 * Gradients of convolutions, with dilation where this project's `wasm` kernels run: tfjs' own refuse it, and hand on the
 * dilation to no kernel. As gradients hold for all backends, everything else goes to those that were there before.
 */
export function convolutionGradients(): GradConfig[] {
  const names = [
    [Conv2D, Conv2DBackpropInput, Conv2DBackpropFilter],
    [DepthwiseConv2dNative, DepthwiseConv2dNativeBackpropInput, DepthwiseConv2dNativeBackpropFilter],
  ] as const;
  return names.map(([kernelName, ofInput, ofFilter]) => {
    const usual = getGradient(kernelName)!;
    return {
      ...usual,
      gradFunc: (dy: Tensor | Tensor[], saved: Tensor[], attrs: NamedAttrMap) => {
        const { dilations = 1 } = attrs as unknown as ConvAttributes;
        const isDilated = [dilations].flat().some((dilation) => dilation > 1);
        if (!isDilated || !currentWasmRuntime()) return usual.gradFunc(dy, saved, attrs);
        const [x, filter] = saved as [Tensor, Tensor];
        const run = (name: string, inputs: Record<string, Tensor>, shapes: Pick<ConvAttributes, "inputShape">) =>
          engine().runKernel(name, inputs, { ...attrs, ...shapes } as NamedAttrMap) as Tensor;
        return {
          x: () => run(ofInput, { dy: dy as Tensor, filter }, { inputShape: x.shape as never }),
          filter: () => run(ofFilter, { x, dy: dy as Tensor }, { filterShape: filter.shape } as never),
        };
      },
    };
  });
}
