import { InvalidArgumentError } from "@acr/core";
import { type DescentSlots, fusedDescentStep } from "@acr/kernels";
import { engine, keep, type NamedTensorMap, type Tensor, tensor, tidy, type Variable } from "@tensorflow/tfjs-core";
import type { OptimizerState, TrainingOptimizer } from "../create-optimizer.js";
import { clipByGlobalNorm } from "./clip-by-global-norm.js";
import type { OptimizerValues } from "./optimizer-defaults.js";

type Values = OptimizerValues & { learningRate: number };

/** SGD with momentum and RMSProp; the formulas stand at `createOptimizer`. */
export class DescentOptimizer implements TrainingOptimizer {
  private readonly slots = new Map<string, DescentSlots>();
  private step = 0;

  constructor(
    private readonly name: "sgd" | "rmsprop",
    private readonly values: Values,
  ) {
    const check = (field: string, value: number | undefined, isValid: (value: number) => boolean, range: string) => {
      if (value !== undefined && !isValid(value))
        throw new InvalidArgumentError(`createOptimizer: ${field} must be ${range}; got ${value}.`);
    };
    const isShare = (value: number) => value >= 0 && value < 1;
    const isPositive = (value: number) => value > 0 && Number.isFinite(value);
    check("learningRate", values.learningRate, isPositive, "> 0");
    check("momentum", values.momentum, isShare, "in [0, 1)");
    check("rho", values.rho, isShare, "in [0, 1)");
    check("epsilon", values.epsilon, isPositive, "> 0");
    check("weightDecay", values.weightDecay, (value) => value >= 0 && Number.isFinite(value), ">= 0");
    check("clipNorm", values.clipNorm, isPositive, "> 0");
  }

  applyGradients(grads: NamedTensorMap, { learningRate = this.values.learningRate } = {}): void {
    const { registeredVariables } = engine();
    const pairs = Object.entries(grads).map(([name, gradient]) => {
      const variable = registeredVariables[name];
      if (!variable)
        throw new InvalidArgumentError(
          `createOptimizer: no variable is called "${name}". Pass the grads of tf.variableGrads.`,
        );
      return { name, variable, gradient };
    });
    this.step++;
    tidy(() => {
      const { clipNorm } = this.values;
      const clipped = clipNorm === undefined ? grads : clipByGlobalNorm(grads, clipNorm);
      for (const { name, variable } of pairs) this.update(name, variable, clipped[name]!, learningRate);
    });
  }

  getState(): OptimizerState {
    const slots: OptimizerState["slots"] = {};
    for (const [name, tensors] of this.slots)
      slots[name] = Object.fromEntries(
        Object.entries(tensors).map(([slot, value]) => [slot, Float32Array.from(value.dataSync())]),
      );
    return { step: this.step, slots };
  }

  async readState(): Promise<OptimizerState> {
    const { step } = this;
    const read = async (tensors: DescentSlots) => {
      const pairs = Object.entries(tensors).map(async ([slot, value]) => [slot, Float32Array.from(await value.data())]);
      return Object.fromEntries(await Promise.all(pairs)) as Record<string, Float32Array>;
    };
    const all = [...this.slots].map(async ([name, tensors]) => [name, await read(tensors)] as const);
    return { step, slots: Object.fromEntries(await Promise.all(all)) };
  }

  setState({ step, slots }: OptimizerState): void {
    const { registeredVariables } = engine();
    for (const [name, arrays] of Object.entries(slots)) {
      for (const array of Object.values(arrays)) {
        if (registeredVariables[name]?.size !== array.length)
          throw new InvalidArgumentError(
            `createOptimizer: a slot of "${name}" has ${array.length} values; expected ${registeredVariables[name]?.size ?? "an existing variable"}.`,
          );
      }
    }
    this.dispose();
    this.step = step;
    for (const [name, arrays] of Object.entries(slots)) {
      const { shape } = registeredVariables[name]!;
      this.slots.set(
        name,
        Object.fromEntries(Object.entries(arrays).map(([slot, array]) => [slot, keep(tensor(array, shape))])),
      );
    }
  }

  dispose(): void {
    for (const tensors of this.slots.values()) for (const value of Object.values(tensors)) value.dispose();
    this.slots.clear();
    this.step = 0;
  }

  private update(name: string, variable: Variable, gradient: Tensor, learningRate: number): void {
    const { momentum = 0, nesterov = false, rho, epsilon, weightDecay = 0 } = this.values;
    let slots = this.slots.get(name);
    if (!slots) {
      slots = {};
      this.slots.set(name, slots);
    }
    const own = this.name === "rmsprop" ? { rho, epsilon } : { nesterov };
    fusedDescentStep(variable, gradient, { learningRate, momentum, weightDecay, slots, ...own });
  }
}
