import { engine, type GradConfig, type Tensor, type TensorInfo } from "@tensorflow/tfjs-core";
import type { WasmRuntime } from "./wasm-runtime.js";

/** Names of the kernels of global pooling and of gates; see `internal/gate.ts` for what they compute. */
export const AREA_MEAN = "AcrAreaMean";
export const AREA_MEAN_GRADIENT = "AcrAreaMeanGradient";
export const GATE = "AcrGate";
export const GATE_GRADIENT = "AcrGateGradient";

type Shape4 = [number, number, number, number];
type Call = { inputs: Record<string, TensorInfo>; attrs: { shape: Shape4 } };

/** Global pooling, gates and their gradients, by kernel name. */
export function gateKernels(runtime: WasmRuntime): Record<string, (call: Call) => TensorInfo | TensorInfo[]> {
  const at = (tensor: TensorInfo | undefined) => runtime.address(tensor!);
  const sizes = ([batch, height, width, channels]: number[]) => [batch!, height! * width!, channels!];
  return {
    [AREA_MEAN]: ({ inputs: { x } }) => {
      const out = runtime.output([x!.shape[0]!, x!.shape[3]!]);
      runtime.run("areaMean", at(x), at(out), ...sizes(x!.shape));
      return out;
    },
    [AREA_MEAN_GRADIENT]: ({ inputs: { dy }, attrs: { shape } }) => {
      const dx = runtime.output(shape);
      runtime.run("areaMeanGradient", at(dy), at(dx), ...sizes(shape));
      return dx;
    },
    [GATE]: ({ inputs: { x, gates } }) => {
      const y = runtime.output(x!.shape);
      runtime.run("gate", at(x), at(gates), at(y), ...sizes(x!.shape));
      return y;
    },
    [GATE_GRADIENT]: ({ inputs: { dy, x, gates } }) => {
      const dx = runtime.output(x!.shape);
      const dGates = runtime.output(gates!.shape);
      runtime.run("gateGradient", at(dy), at(x), at(gates), at(dx), at(dGates), ...sizes(x!.shape));
      return [dx, dGates];
    },
  };
}

/** Their gradients, for tfjs' registry. */
export const gateGradients: GradConfig[] = [
  {
    kernelName: AREA_MEAN,
    gradFunc: (dy: Tensor | Tensor[], _saved, attrs) => ({
      x: () => engine().runKernel(AREA_MEAN_GRADIENT, { dy: dy as Tensor }, attrs) as Tensor,
    }),
  },
  {
    kernelName: GATE,
    inputsToSave: ["x", "gates"],
    gradFunc: (dy: Tensor | Tensor[], saved: Tensor[]) => {
      const [x, gates] = saved as [Tensor, Tensor];
      const inputs = { dy: dy as Tensor, x, gates };
      const [dx, dGates] = engine().runKernel(GATE_GRADIENT, inputs) as unknown as [Tensor, Tensor];
      return { x: () => dx, gates: () => dGates };
    },
  },
];
