import { engine, type GradConfig, type Tensor, type TensorInfo } from "@tensorflow/tfjs-core";
import type { FusedActivation } from "../fused-activation.js";
import { type Attribute, currentTensorFlowRuntime, type TensorFlowRuntime } from "./tensorflow-runtime.js";

export const NORM = "AcrTensorFlowNorm";
export const NORM_INFERENCE = "AcrTensorFlowNormInference";
const NORM_GRADIENT = "AcrTensorFlowNormGradient";
export const MOVING_AVERAGE = "AcrTensorFlowMovingAverage";
/** Activations whose gradient is told from their output, and the one that needs its input. */
export const ACTIVATION_BY_OUTPUT = "AcrTensorFlowActivation";
export const SWISH = "AcrTensorFlowSwish";
const ACTIVATION_GRADIENT = "AcrTensorFlowActivationGradient";
const SWISH_GRADIENT = "AcrTensorFlowSwishGradient";

type Kernel = (call: { inputs: Record<string, TensorInfo>; attrs: Attributes }) => Tensor | Tensor[];
interface Attributes {
  epsilon: number;
  isTraining: boolean;
  momentum: number;
  activation: FusedActivation;
}

const OPERATIONS: Partial<Record<FusedActivation, string>> = { relu: "Relu", relu6: "Relu6", sigmoid: "Sigmoid" };

/** Activations with kernels here; others are composed. */
export const hasTensorFlowActivation = (activation: FusedActivation): boolean =>
  activation === "swish" || activation in OPERATIONS;

/**
 * Batch normalisation as FusedBatchNormV3 and its gradient, activations as TensorFlow's pairs of operations, and the
 * moving averages without tfjs in between.
 */
export function normKernels(runtime: TensorFlowRuntime): Record<string, Kernel> {
  const { binding, float } = runtime;
  const settings = (epsilon: number, isTraining: boolean): Attribute[] => [
    float,
    runtime.type("U"),
    { name: "epsilon", type: binding.TF_ATTR_FLOAT, value: epsilon },
    { name: "data_format", type: binding.TF_ATTR_STRING, value: "NHWC" },
    { name: "is_training", type: binding.TF_ATTR_BOOL, value: isTraining },
  ];
  const empty = binding.createTensor([0], binding.TF_FLOAT, new Float32Array(0));
  const unary = (name: string, x: TensorInfo) => runtime.single(name, [float], runtime.ids(x), x.shape);

  return {
    // → y, mean, variance, and three tensors that only the gradient understands.
    [NORM]: ({ inputs: { x, gamma, beta }, attrs: { epsilon } }) => {
      const ids = [...runtime.ids(x!, gamma!, beta!), empty, empty];
      const of = gamma!.shape;
      const shapes = [x!.shape, of, of, of, of, undefined];
      const outputs = runtime.execute("FusedBatchNormV3", settings(epsilon, true), ids, 6, shapes);
      const [y, mean, variance, ...reserved] = outputs;
      // TensorFlow estimates the variance of the population (n − 1); tfjs and Keras take that of the batch (n).
      const count = x!.shape.slice(0, -1).reduce((product, side) => product * side, 1);
      const factor = runtime.constant(count > 1 ? (count - 1) / count : 1);
      const [own] = runtime.execute("Mul", [float], [variance!.id, factor], 1, [of]);
      runtime.release(variance!.id);
      return [y!, mean!, own!, ...reserved].map((output) => runtime.tensor({ ...output, shape: output.shape ?? [0] }));
    },

    [NORM_INFERENCE]: ({ inputs: { x, gamma, beta, mean, variance }, attrs: { epsilon } }) => {
      const ids = runtime.ids(x!, gamma!, beta!, mean!, variance!);
      const shapes = [x!.shape, ...Array<undefined>(5)];
      const [y, ...others] = runtime.execute("FusedBatchNormV3", settings(epsilon, false), ids, 6, shapes);
      runtime.release(...others.map(({ id }) => id));
      return runtime.tensor(y!);
    },

    [NORM_GRADIENT]: ({ inputs: { dy, x, gamma, a, b, c }, attrs: { epsilon, isTraining } }) => {
      const ids = [...runtime.ids(dy!, x!, gamma!, a!, b!), c ? runtime.ids(c)[0]! : empty];
      const shapes = [x!.shape, gamma!.shape, gamma!.shape, undefined, undefined];
      const outputs = runtime.execute("FusedBatchNormGradV3", settings(epsilon, isTraining), ids, 5, shapes);
      runtime.release(...outputs.slice(3).map(({ id }) => id));
      return outputs.slice(0, 3).map((output) => runtime.tensor(output));
    },

    // moving + (value − moving) · (1 − momentum). It outlives the step: where that fails, it stays as it was.
    [MOVING_AVERAGE]: ({ inputs: { moving, value }, attrs: { momentum } }) => {
      const [from, to] = runtime.ids(moving!, value!) as [number, number];
      const { shape } = moving!;
      const difference = runtime.one("Sub", [float], [to, from], shape);
      const step = runtime.one("Mul", [float], [difference, runtime.constant(1 - momentum)], shape);
      const [result] = runtime.execute("AddV2", [float], [from, step], 1, [shape], 0);
      runtime.release(difference, step);
      return runtime.tensor(result!);
    },

    [ACTIVATION_BY_OUTPUT]: ({ inputs: { x }, attrs: { activation } }) => unary(OPERATIONS[activation]!, x!),

    [ACTIVATION_GRADIENT]: ({ inputs: { dy, y }, attrs: { activation } }) => {
      // Sigmoid's gradient takes its arguments the other way round.
      const ids = activation === "sigmoid" ? runtime.ids(y!, dy!) : runtime.ids(dy!, y!);
      return runtime.single(`${OPERATIONS[activation]}Grad`, [float], ids, y!.shape);
    },

    [SWISH]: ({ inputs: { x } }) => {
      const [z] = runtime.ids(x!) as [number];
      const gate = runtime.one("Sigmoid", [float], [z], x!.shape);
      const [y] = runtime.execute("Mul", [float], [z, gate], 1, [x!.shape]);
      runtime.release(gate);
      return runtime.tensor(y!);
    },

    // dy · s + (dy · x) · s · (1 − s), s = σ(x)
    [SWISH_GRADIENT]: ({ inputs: { dy, x } }) => {
      const [g, z] = runtime.ids(dy!, x!) as [number, number];
      const gate = runtime.one("Sigmoid", [float], [z], x!.shape);
      const product = runtime.one("Mul", [float], [g, z], x!.shape);
      const inner = runtime.one("SigmoidGrad", [float], [gate, product], x!.shape);
      runtime.release(product);
      const outer = runtime.one("Mul", [float], [g, gate], x!.shape);
      runtime.release(gate);
      const [dx] = runtime.execute("AddV2", [float], [outer, inner], 1, [x!.shape]);
      runtime.release(outer, inner);
      return runtime.tensor(dx!);
    },
  };
}

type Named = Record<string, Tensor>;
const run = (name: string, inputs: Named, attrs: object) =>
  engine().runKernel(name, inputs as never, attrs as never) as unknown as Tensor & Tensor[];

/** Gradients of the kernels above, for tfjs' registry. */
export const normGradients: GradConfig[] = [
  {
    kernelName: NORM,
    inputsToSave: ["x", "gamma"],
    outputsToSave: [false, false, false, true, true, true],
    gradFunc: (dy, saved, attrs) => {
      const [x, gamma, a, b, c] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor];
      const [dx, dGamma, dBeta] = run(NORM_GRADIENT, { dy: (dy as Tensor[])[0]!, x, gamma, a, b, c }, attrs);
      return { x: () => dx!, gamma: () => dGamma!, beta: () => dBeta! };
    },
  },
  {
    kernelName: NORM_INFERENCE,
    inputsToSave: ["x", "gamma", "mean", "variance"],
    gradFunc: (dy, saved, attrs) => {
      const [x, gamma, a, b] = saved as [Tensor, Tensor, Tensor, Tensor];
      const [dx, dGamma, dBeta] = run(NORM_GRADIENT, { dy: dy as Tensor, x, gamma, a, b }, attrs);
      return { x: () => dx!, gamma: () => dGamma!, beta: () => dBeta! };
    },
  },
  {
    kernelName: ACTIVATION_BY_OUTPUT,
    outputsToSave: [true],
    gradFunc: (dy, [y], attrs) => ({ x: () => run(ACTIVATION_GRADIENT, { dy: dy as Tensor, y: y! }, attrs) }),
  },
  {
    kernelName: SWISH,
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attrs) => ({ x: () => run(SWISH_GRADIENT, { dy: dy as Tensor, x: x! }, attrs) }),
  },
];

/** γ · (x − mean) / √(variance + ε) + β with the batch's own moments, on `[B, H, W, C]`. */
export function tensorFlowNorm(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): Tensor[] {
  return run(NORM, { x, gamma, beta }, { epsilon, isTraining: true });
}

/** The same with given moments; differentiable in x, γ and β. */
export function tensorFlowNormWith(
  x: Tensor,
  { gamma, beta, mean, variance }: Record<"gamma" | "beta" | "mean" | "variance", Tensor>,
  epsilon: number,
): Tensor {
  return run(NORM_INFERENCE, { x, gamma, beta, mean, variance }, { epsilon, isTraining: false });
}

export function tensorFlowActivation(x: Tensor, activation: FusedActivation): Tensor {
  return run(activation === "swish" ? SWISH : ACTIVATION_BY_OUTPUT, { x }, { activation });
}

export function tensorFlowMovingAverage(moving: Tensor, value: Tensor, momentum: number): Tensor {
  return run(MOVING_AVERAGE, { moving, value }, { momentum });
}

export const hasTensorFlowKernels = (): boolean => currentTensorFlowRuntime() !== undefined;
