import { checkOptions, InvalidArgumentError, ShapeError } from "@acr/core";
import {
  add,
  div,
  engine,
  keep,
  mul,
  sqrt,
  square,
  sub,
  type Tensor,
  type Variable,
  zeros,
} from "@tensorflow/tfjs-core";
import { currentWasmRuntime } from "./internal/current-wasm-runtime.js";
import { currentTensorFlowRuntime } from "./tensorflow/tensorflow-runtime.js";

/** What the steps of one weight remember; the tensors are kept and belong to whoever owns the record. */
export interface DescentSlots {
  /** u: the velocity, where there is momentum. */
  momentum?: Tensor;
  /** s: the mean of squared gradients, of RMSProp. */
  square?: Tensor;
}

/** Options of `fusedDescentStep`. */
export interface FusedDescentOptions {
  /** >= 0. */
  learningRate: number;
  /** In [0, 1). Default 0. */
  momentum?: number;
  /** Look ahead along the velocity; not with `rho`. Default false. */
  nesterov?: boolean;
  /** RMSProp's decay of squared gradients, in [0, 1). Default: no division, plain descent. */
  rho?: number;
  /** RMSProp's, > 0. Default 1e-7. */
  epsilon?: number;
  /** Decoupled: the weight shrinks by learningRate · weightDecay a step. Default 0. */
  weightDecay?: number;
  /** Empty at first; filled, and changed in place or replaced, by each step. */
  slots: DescentSlots;
}

/**
 * One step of gradient descent with momentum, or of RMSProp where `rho` is given, as Keras takes them; one pass over the
 * weight on `wasm`, composed of tfjs operations elsewhere. With learning rate η, after w ← w·(1 − η·decay):
 *
 *   descent   u ← momentum·u + η·g;                            w ← w − u, with nesterov w − (momentum·u + η·g)
 *   RMSProp   s ← ρs + (1 − ρ)g²;  u ← momentum·u + η·g / √(s + ε);   w ← w − u
 *
 * Shapes: gradient and slots have the shape of the variable.
 * Edges: a step of rate 0 changes the slots alone; NaN in, NaN out.
 *
 * @throws {InvalidArgumentError} an option is out of range, unknown, or `nesterov` with `rho`. Nothing has changed then.
 * @throws {ShapeError} the gradient or a slot has another size than the variable. Nothing has changed then.
 * @see Sutskever et al. 2013, On the importance of initialization and momentum in deep learning; Tieleman and Hinton 2012,
 *   RMSProp, lecture 6.5. Deviations: ε stands inside the root and η in the velocity, as in Keras.
 * @example
 * const slots = {};
 * fusedDescentStep(variable, gradient, { learningRate: 0.01, momentum: 0.9, slots });
 */
export function fusedDescentStep(variable: Variable, gradient: Tensor, options: FusedDescentOptions): void {
  const name = "fusedDescentStep";
  checkOptions(name, options, ["learningRate", "momentum", "nesterov", "rho", "epsilon", "weightDecay", "slots"]);
  const { learningRate, momentum = 0, nesterov = false, rho, epsilon = 1e-7, weightDecay = 0, slots } = options;
  const check = (field: string, value: number, isValid: boolean, range: string) => {
    if (!isValid) throw new InvalidArgumentError(`${name}: ${field} must be ${range}; got ${value}.`);
  };
  check("learningRate", learningRate, learningRate >= 0 && Number.isFinite(learningRate), ">= 0");
  check("momentum", momentum, momentum >= 0 && momentum < 1, "in [0, 1)");
  if (rho !== undefined) check("rho", rho, rho >= 0 && rho < 1, "in [0, 1)");
  check("epsilon", epsilon, epsilon > 0 && Number.isFinite(epsilon), "> 0");
  check("weightDecay", weightDecay, weightDecay >= 0 && Number.isFinite(weightDecay), ">= 0");
  if (nesterov && rho !== undefined) throw new InvalidArgumentError(`${name}: nesterov is not for rho; got both.`);
  for (const [what, tensor] of Object.entries({ gradient, ...slots }) as [string, Tensor | undefined][]) {
    if (tensor && tensor.size !== variable.size)
      throw new ShapeError(`${name}: ${what} must be [${variable.shape}] as the variable; got [${tensor.shape}].`);
  }
  if (momentum > 0) slots.momentum ??= keep(zeros(variable.shape));
  if (rho !== undefined) slots.square ??= keep(zeros(variable.shape));
  const velocity = momentum > 0 ? slots.momentum : undefined;
  const keepFactor = 1 - learningRate * weightDecay;
  const runtime = currentWasmRuntime();
  if (runtime) {
    // Weights go to a new tensor: the wasm backend caches packed copies by tensor id and would not see a change in place.
    const out = runtime.output(variable.shape);
    const n = variable.size;
    const [w, to, g] = [variable, out, gradient].map((tensor) => runtime.address(tensor)) as [number, number, number];
    const u = velocity ? runtime.address(velocity) : 0;
    const run = (kernel: "momentumStep" | "rmspropStep", ...args: number[]) =>
      n >= SHARED_FROM ? runtime.run(kernel, ...args) : runtime.exports[kernel](...args, 0, 1);
    if (rho === undefined) run("momentumStep", w, to, u, g, n, momentum, learningRate, nesterov ? 1 : 0, keepFactor);
    else
      run(
        "rmspropStep",
        ...[w, to, runtime.address(slots.square!), u, g],
        ...[n, rho, momentum, learningRate, epsilon, keepFactor],
      );
    variable.assign(engine().makeTensorFromTensorInfo(out));
    return;
  }
  // What went wrong on the way to the gradient is said before the weight changes.
  currentTensorFlowRuntime()?.settle([gradient]);
  engine().tidy(() => {
    const replace = (key: keyof DescentSlots, value: Tensor) => {
      slots[key]!.dispose();
      slots[key] = keep(value);
    };
    let change: Tensor = mul(gradient, learningRate);
    if (rho !== undefined) {
      replace("square", add(mul(slots.square!, rho), mul(square(gradient), 1 - rho)));
      change = div(change, sqrt(add(slots.square!, epsilon)));
    }
    if (velocity) {
      const next = add(mul(velocity, momentum), change);
      replace("momentum", next);
      change = nesterov ? add(mul(next, momentum), change) : next;
    }
    variable.assign(sub(keepFactor === 1 ? variable : mul(variable, keepFactor), change));
  });
}

/** Below this many weights, waking the threads costs more than it saves. */
const SHARED_FROM = 16384;
