import {
  Conv2D,
  DepthwiseConv2dNative,
  engine,
  type GradConfig,
  getGradient,
  type Tensor,
  type Tensor4D,
} from "@tensorflow/tfjs-core";
import { plainConvolution } from "../internal/conv-unit.js";
import { NORM_INFERENCE } from "./norm-kernels.js";
import {
  NORM_APPLY,
  NORM_APPLY_GRADIENT,
  UNIT,
  UNIT_DEFERRED,
  UNIT_GRADIENT,
  UNIT_INFERENCE,
  UNIT_INPUT_GRADIENT,
  type UnitAttributes,
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
    // Through a model that infers, as for a saliency map: composed. Mean and variance are constants there.
    kernelName: UNIT_INFERENCE,
    inputsToSave: ["x", "filter", "gamma", "beta", "mean", "variance"],
    gradFunc: (dy: Tensor | Tensor[], saved: Tensor[], attrs) => {
      const [x, filter, gamma, beta, mean, variance] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
      const { info, isDepthwise, epsilon, activation } = attrs as unknown as UnitAttributes;
      const { top, bottom, left, right } = info.padInfo;
      const strides: [number, number] = [info.strideHeight, info.strideWidth];
      const dilations: [number, number] = [info.dilationHeight, info.dilationWidth];
      const pad: [number, number][] = [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ];
      const options = { isDepthwise, strides, dilations, pad: pad as never, epsilon };
      const z = plainConvolution(x as Tensor4D, filter as Tensor4D, options);
      const gradient = (name: string, dy: Tensor, inputs: Tensor[], attributes: object) =>
        getGradient(name)!.gradFunc(dy, inputs, attributes as never);
      const norm = gradient(NORM_INFERENCE, dy as Tensor, [z, gamma, beta, mean, variance], { epsilon, activation });
      const attributes = { strides, dilations, pad, dataFormat: "NHWC" };
      const convolution = gradient(isDepthwise ? DepthwiseConv2dNative : Conv2D, norm.x!(), [x, filter], attributes);
      return { x: convolution.x!, filter: convolution.filter!, gamma: norm.gamma!, beta: norm.beta! };
    },
  },
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
