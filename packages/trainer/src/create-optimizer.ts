import { checkOptions, InvalidArgumentError, nearestNames } from "@acr/core";
import { FusedAdam, type FusedAdamState } from "@acr/kernels";
import type { NamedTensorMap } from "@tensorflow/tfjs-core";
import { DescentOptimizer } from "./internal/descent-optimizer.js";
import {
  foreignOptimizerFields,
  OPTIMIZER_NAMES,
  type OptimizerName,
  type OptimizerValues,
  optimizerDefaults,
} from "./internal/optimizer-defaults.js";

/** Options of `createOptimizer`. */
export interface OptimizerOptions extends OptimizerValues {
  /** `"adam"`, `"adamw"`, `"sgd"` or `"rmsprop"`. */
  name: OptimizerName;
  /** > 0. Default 1e-3. */
  learningRate?: number;
}

/** An optimizer's memory, for checkpoints. */
export interface OptimizerState {
  step: number;
  /** Arrays by variable name and slot name. */
  slots: Record<string, Record<string, Float32Array>>;
}

/** What changes weights by gradients. Owns its slots: call `dispose`. */
export interface TrainingOptimizer {
  /** One step; the gradients, by variable name, stay the caller's. `learningRate` replaces the constructor's. */
  applyGradients(grads: NamedTensorMap, options?: { learningRate?: number }): void;
  getState(): OptimizerState;
  /** As `getState`, also on `webgpu`, where nothing can be read at once. */
  readState(): Promise<OptimizerState>;
  setState(state: OptimizerState): void;
  /** Safe to call twice. */
  dispose(): void;
}

/**
 * An optimizer by name, as recipes name it. Gradients g are first scaled to the global norm `clipNorm`; then, with
 * learning rate η and weights w, all as Keras, in fused kernels where the backend has them:
 *
 *   adam, adamw   see `FusedAdam`
 *   sgd           u ← momentum·u + η·g;   w ← w − u, with nesterov w − (momentum·u + η·g)
 *   rmsprop       s ← ρs + (1 − ρ)g²;   u ← momentum·u + η·g / √(s + ε);   w ← w − u
 *
 * Before each step weights shrink by η·weightDecay (decoupled), all of them, biases and normalisation included.
 *
 * @throws {InvalidArgumentError} an unknown name or option, a value out of range, or one the optimizer does not have.
 * @example
 * const optimizer = createOptimizer({ name: "sgd", learningRate: 0.01, momentum: 0.9 });
 * optimizer.applyGradients(tf.variableGrads(() => loss()).grads);
 */
export function createOptimizer(options: OptimizerOptions): TrainingOptimizer {
  checkOptions("createOptimizer", options, [
    ...["name", "learningRate", "beta1", "beta2", "epsilon", "momentum", "nesterov", "rho", "weightDecay", "clipNorm"],
  ]);
  const { name, learningRate = 1e-3, ...given } = options;
  if (!OPTIMIZER_NAMES.includes(name)) {
    throw new InvalidArgumentError(
      `createOptimizer: unknown optimizer "${name}"; did you mean ${nearestNames(String(name), OPTIMIZER_NAMES, 1)[0]}? Valid names: ${OPTIMIZER_NAMES.join(", ")}.`,
    );
  }
  const foreign = foreignOptimizerFields(name, given);
  if (foreign.length > 0) throw new InvalidArgumentError(`createOptimizer: ${name} has no ${foreign.join(", ")}.`);
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const values = { ...optimizerDefaults(name), ...present, learningRate };
  if (name === "adam" || name === "adamw") {
    const adam = new FusedAdam(values);
    const asSlots = ({ step, slots }: FusedAdamState): OptimizerState => ({
      step,
      slots: Object.fromEntries(Object.entries(slots).map(([variable, { m, v }]) => [variable, { m, v }])),
    });
    return {
      applyGradients: (grads, step) => adam.applyGradients(grads, step),
      getState: () => asSlots(adam.getState()),
      readState: async () => asSlots(await adam.readState()),
      setState: ({ step, slots }) =>
        adam.setState({
          step,
          slots: Object.fromEntries(
            Object.entries(slots).map(([variable, slot]) => [variable, { m: slot.m!, v: slot.v! }]),
          ),
        }),
      dispose: () => adam.dispose(),
    };
  }
  return new DescentOptimizer(name, values);
}
