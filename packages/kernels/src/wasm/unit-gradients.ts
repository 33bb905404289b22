import { engine, type GradConfig, type Tensor } from "@tensorflow/tfjs-core";
import {
  NORM_APPLY,
  NORM_APPLY_GRADIENT,
  UNIT,
  UNIT_DEFERRED,
  UNIT_GRADIENT,
  UNIT_INPUT_GRADIENT,
} from "./unit-kernels.js";

/** The gradient of units, `inputs` being what it reads of the kernel's inputs: β leaves no trace in it. */
const unitGradient = (kernelName: string, inputs: string[]): GradConfig => ({
  kernelName,
  inputsToSave: inputs,
  outputsToSave: [true, true],
  gradFunc: (dy: Tensor | Tensor[], saved: Tensor[], attrs) => {
    const [g, sums] = dy as [Tensor, Tensor];
    const tensors = Object.fromEntries([...inputs, "z", "ownNorm"].map((name, i) => [name, saved[i]!])) as Record<
      string,
      Tensor
    >;
    const run = () => engine().runKernel(UNIT_GRADIENT, { ...tensors, g, sums } as never, attrs) as unknown as Tensor[];
    const [dFilter, dGamma, dBeta, dx, dNorm] = run() as [Tensor, Tensor, Tensor, Tensor?, Tensor?];
    // g and its sums came from the readers of this unit, the others are this node's own clones: nobody will ask for
    // them again, and their memory serves the next unit. A filter of several pixels gets its input's gradient on demand.
    if (dx) for (const done of [g, sums, tensors.z!, tensors.x!]) done.dispose();
    return {
      x: () => dx ?? inputGradientOfUnit({ ...tensors, g, sums } as Record<string, Tensor>, attrs),
      norm: () => dNorm!,
      filter: () => dFilter,
      gamma: () => dGamma,
      beta: () => dBeta,
    };
  },
});

const inputGradientOfUnit = (tensors: Record<string, Tensor>, attrs: GradAttributes): Tensor =>
  engine().runKernel(UNIT_INPUT_GRADIENT, tensors, attrs) as Tensor;

type GradAttributes = Parameters<GradConfig["gradFunc"]>[2];

/** Gradients of units and of what reads them, for tfjs' registry. */
export const unitGradients: GradConfig[] = [
  unitGradient(UNIT, ["x", "filter", "gamma"]),
  unitGradient(UNIT_DEFERRED, ["x", "norm", "filter", "gamma"]),
  {
    kernelName: NORM_APPLY,
    inputsToSave: ["z", "norm"],
    gradFunc: (dy: Tensor | Tensor[], saved: Tensor[], attrs) => {
      const [z, norm] = saved as [Tensor, Tensor];
      const [g, dNorm] = engine().runKernel(NORM_APPLY_GRADIENT, { dy: dy as Tensor, z, norm }, attrs) as unknown as [
        Tensor,
        Tensor,
      ];
      z.dispose();
      return { z: () => g, norm: () => dNorm, residual: () => (dy as Tensor).clone() };
    },
  },
];
