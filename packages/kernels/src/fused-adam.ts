import { checkOptions, InvalidArgumentError } from "@acr/core";
import {
  add,
  div,
  engine,
  keep,
  mul,
  type NamedTensorMap,
  ones,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  tidy,
  type Variable,
  zerosLike,
} from "@tensorflow/tfjs-core";
import { currentWasmRuntime } from "./internal/current-wasm-runtime.js";
import { currentWebGpuRuntime } from "./internal/current-webgpu-runtime.js";
import { AdamSlots } from "./tensorflow/adam-slots.js";
import { currentTensorFlowRuntime, type TensorFlowRuntime } from "./tensorflow/tensorflow-runtime.js";
import { ADAM as GPU_ADAM, CLIP_SCALE as GPU_CLIP_SCALE } from "./webgpu/kernel-names.js";

/** Options of `FusedAdam`. */
export interface FusedAdamOptions {
  /** > 0. Default 1e-3. */
  learningRate?: number;
  /** Decay of the first moment, in [0, 1). Default 0.9. */
  beta1?: number;
  /** Decay of the second moment, in [0, 1). Default 0.999. */
  beta2?: number;
  /** Added to the root of the second moment, > 0. Default 1e-7, as Keras. */
  epsilon?: number;
  /** Decoupled: weights shrink by learningRate · weightDecay a step. Default 0. */
  weightDecay?: number;
  /** Gradients are scaled so that their global norm is at most this, > 0. Default: no clipping. */
  clipNorm?: number;
}

/** The optimizer's memory, for checkpoints. */
export interface FusedAdamState {
  step: number;
  /** First and second moments by variable name. */
  slots: Record<string, { m: Float32Array; v: Float32Array }>;
}

const DEFAULTS = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0 };

/**
 * Adam (Kingma and Ba 2015, arXiv:1412.6980) with decoupled weight decay (Loshchilov and Hutter 2019,
 * arXiv:1711.05101), one pass over each weight on `wasm`, `tensorflow` and `webgpu`, composed of tfjs operations elsewhere:
 *
 *   m ← β₁m + (1 − β₁)g,   v ← β₂v + (1 − β₂)g²
 *   w ← w·(1 − η·decay) − η · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
 *
 * Owns its moments: call `dispose`.
 *
 * @throws {InvalidArgumentError} an option is out of range or unknown.
 * @example
 * const adam = new FusedAdam({ learningRate: 1e-3 });
 * const { value, grads } = tf.variableGrads(() => loss());
 * adam.applyGradients(grads);
 */
export class FusedAdam {
  private readonly options: typeof DEFAULTS & FusedAdamOptions;
  private readonly slots = new Map<string, { m: Tensor; v: Tensor }>();
  /** The moments on the tensorflow backend, which keeps them itself. */
  private resources: AdamSlots | undefined;
  private step = 0;

  constructor(options: FusedAdamOptions = {}) {
    checkOptions("FusedAdam", options, ["learningRate", "beta1", "beta2", "epsilon", "weightDecay", "clipNorm"]);
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    this.options = { ...DEFAULTS, ...given };
    const { learningRate, beta1, beta2, epsilon, weightDecay, clipNorm } = this.options;
    const check = (name: string, value: number, valid: boolean, range: string) => {
      if (!valid) throw new InvalidArgumentError(`FusedAdam: ${name} must be ${range}; got ${value}.`);
    };
    check("learningRate", learningRate, learningRate > 0 && Number.isFinite(learningRate), "> 0");
    check("beta1", beta1, beta1 >= 0 && beta1 < 1, "in [0, 1)");
    check("beta2", beta2, beta2 >= 0 && beta2 < 1, "in [0, 1)");
    check("epsilon", epsilon, epsilon > 0 && Number.isFinite(epsilon), "> 0");
    check("weightDecay", weightDecay, weightDecay >= 0 && Number.isFinite(weightDecay), ">= 0");
    if (clipNorm !== undefined) check("clipNorm", clipNorm, clipNorm > 0, "> 0");
  }

  /**
   * One step. The gradients stay the caller's.
   *
   * @param grads - by variable name, as `tf.variableGrads` gives them.
   * @param options.learningRate - of this step, instead of the constructor's; >= 0: a warm-up begins at 0, and then only the
   *   moments change.
   * @throws {InvalidArgumentError} a gradient of no variable, or a learning rate out of range. Nothing has changed then.
   */
  applyGradients(
    grads: NamedTensorMap,
    { learningRate = this.options.learningRate }: { learningRate?: number } = {},
  ): void {
    if (!(learningRate >= 0 && Number.isFinite(learningRate))) {
      throw new InvalidArgumentError(`FusedAdam: learningRate must be >= 0; got ${learningRate}.`);
    }
    const { registeredVariables } = engine();
    const pairs = Object.entries(grads).map(([name, gradient]) => {
      const variable = registeredVariables[name];
      if (!variable)
        throw new InvalidArgumentError(
          `FusedAdam: no variable is called "${name}". Pass the grads of tf.variableGrads.`,
        );
      return { name, variable, gradient };
    });
    // What went wrong on the way to the gradients is said before a weight changes.
    currentTensorFlowRuntime()?.settle(pairs.map(({ gradient }) => gradient));
    this.step++;
    tidy(() => {
      if (currentWebGpuRuntime()) {
        this.updateOnGpu(pairs, learningRate);
        return;
      }
      const scale = this.clipScale(pairs.map(({ gradient }) => gradient));
      const runtime = currentTensorFlowRuntime();
      if (runtime) {
        this.updateAll(this.slotsOn(runtime), pairs, learningRate, scale);
        return;
      }
      for (const { name, variable, gradient } of pairs) this.update(name, variable, gradient, learningRate, scale);
    });
  }

  /** As `getState`, for every backend: `webgpu` has no reads that a program could wait for. */
  async readState(): Promise<FusedAdamState> {
    const { step } = this;
    const own = [...this.slots].map(async ([name, { m, v }]) => {
      const [first, second] = await Promise.all([m.data(), v.data()]);
      return [name, { m: Float32Array.from(first), v: Float32Array.from(second) }] as const;
    });
    const slots: FusedAdamState["slots"] = Object.fromEntries(await Promise.all(own));
    for (const name of this.resources?.names ?? []) slots[name] = this.resources!.get(name);
    return { step, slots };
  }

  /** What `setState` takes. On `webgpu` use `readState`. */
  getState(): FusedAdamState {
    const slots: FusedAdamState["slots"] = {};
    for (const [name, { m, v }] of this.slots) {
      slots[name] = { m: Float32Array.from(m.dataSync()), v: Float32Array.from(v.dataSync()) };
    }
    for (const name of this.resources?.names ?? []) slots[name] = this.resources!.get(name);
    return { step: this.step, slots };
  }

  /** @throws {InvalidArgumentError} a slot names no variable or has another length. */
  setState({ step, slots }: FusedAdamState): void {
    const { registeredVariables } = engine();
    for (const [name, { m, v }] of Object.entries(slots)) {
      const variable = registeredVariables[name];
      if (variable?.size !== m.length || m.length !== v.length) {
        throw new InvalidArgumentError(
          `FusedAdam: the slots of "${name}" have ${m.length} values; expected ${variable?.size ?? "an existing variable"}.`,
        );
      }
    }
    this.dispose();
    this.step = step;
    const runtime = currentTensorFlowRuntime();
    for (const [name, { m, v }] of Object.entries(slots)) {
      const { shape } = registeredVariables[name]!;
      if (runtime) {
        this.slotsOn(runtime).set(name, shape, { m, v });
        continue;
      }
      this.slots.set(name, { m: keep(tensor(m, shape)), v: keep(tensor(v, shape)) });
    }
  }

  /** Releases the moments. Safe to call twice. */
  dispose(): void {
    for (const { m, v } of this.slots.values()) {
      m.dispose();
      v.dispose();
    }
    this.slots.clear();
    this.resources?.dispose();
    this.resources = undefined;
    this.step = 0;
  }

  private slotsOn(runtime: TensorFlowRuntime): AdamSlots {
    this.resources ??= new AdamSlots(runtime);
    return this.resources;
  }

  /** The step of all weights on the tensorflow backend. */
  private updateAll(
    resources: AdamSlots,
    pairs: readonly { name: string; variable: Variable; gradient: Tensor }[],
    learningRate: number,
    scale: number,
  ): void {
    const { beta1, beta2, epsilon, weightDecay } = this.options;
    const runtime = currentTensorFlowRuntime()!;
    const [power1, power2] = [beta1 ** this.step, beta2 ** this.step];
    const keepFactor = 1 - learningRate * weightDecay;
    const step = { beta1, beta2, learningRate, power1, power2, epsilon, keepFactor, scale };
    const scalars = resources.scalars(step);
    for (const { name, variable, gradient } of pairs) resources.update(name, variable, gradient, step, scalars);
    runtime.release(...scalars);
  }

  /** The step of all weights on the webgpu backend; the clipping factor stays there. */
  private updateOnGpu(
    pairs: readonly { name: string; variable: Variable; gradient: Tensor }[],
    learningRate: number,
  ): void {
    const { beta1, beta2, epsilon, weightDecay, clipNorm } = this.options;
    const attributes = {
      beta1,
      beta2,
      rate: learningRate / (1 - beta1 ** this.step),
      unbias: 1 / (1 - beta2 ** this.step),
      epsilon,
      keepFactor: 1 - learningRate * weightDecay,
    };
    const gradients = Object.fromEntries(pairs.map(({ gradient }, i) => [i, gradient]));
    const scale =
      clipNorm === undefined ? ones([1]) : (engine().runKernel(GPU_CLIP_SCALE, gradients, { clipNorm }) as Tensor);
    for (const { name, variable, gradient } of pairs) {
      const { m, v } = this.slotOf(name, variable);
      const inputs = { weight: variable, gradient, scale, m, v };
      variable.assign(engine().runKernel(GPU_ADAM, inputs as never, attributes) as Tensor);
    }
  }

  private slotOf(name: string, variable: Variable): { m: Tensor; v: Tensor } {
    let slot = this.slots.get(name);
    if (!slot) {
      slot = { m: keep(zerosLike(variable)), v: keep(zerosLike(variable)) };
      this.slots.set(name, slot);
    }
    return slot;
  }

  /** What gradients are multiplied with so that their global norm stays within clipNorm. */
  private clipScale(gradients: Tensor[]): number {
    const { clipNorm } = this.options;
    if (clipNorm === undefined) return 1;
    const runtime = currentWasmRuntime();
    const squares = gradients.map((gradient) =>
      runtime
        ? runtime.exports.sumOfSquares(runtime.address(gradient), gradient.size)
        : sum(square(gradient)).dataSync()[0]!,
    );
    const norm = Math.sqrt(squares.reduce((total, value) => total + value, 0));
    return norm > clipNorm ? clipNorm / norm : 1;
  }

  private update(name: string, variable: Variable, gradient: Tensor, learningRate: number, scale: number): void {
    const slot = this.slotOf(name, variable);
    const { beta1, beta2, epsilon, weightDecay } = this.options;
    const rate = learningRate / (1 - beta1 ** this.step);
    const unbias = 1 / (1 - beta2 ** this.step);
    const keepFactor = 1 - learningRate * weightDecay;
    const runtime = currentWasmRuntime();
    if (runtime) {
      // Weights go to a new tensor: the wasm backend caches packed copies by tensor id and would not see a change in place.
      const out = runtime.output(variable.shape);
      const addresses = [variable, out, slot.m, slot.v, gradient].map((t) => runtime.address(t));
      const run =
        variable.size >= SHARED_FROM
          ? (...args: number[]) => runtime.run("adam", ...args)
          : (...args: number[]) => runtime.exports.adam(...args, 0, 1);
      run(...addresses, variable.size, beta1, beta2, rate, unbias, epsilon, keepFactor, scale);
      variable.assign(engine().makeTensorFromTensorInfo(out));
      return;
    }
    const g = scale === 1 ? gradient : mul(gradient, scale);
    const m = add(mul(slot.m, beta1), mul(g, 1 - beta1));
    const v = add(mul(slot.v, beta2), mul(square(g), 1 - beta2));
    const step = div(mul(m, rate), add(sqrt(mul(v, unbias)), epsilon));
    variable.assign(sub(keepFactor === 1 ? variable : mul(variable, keepFactor), step));
    slot.m.dispose();
    slot.v.dispose();
    this.slots.set(name, { m: keep(m), v: keep(v) });
  }
}

/** Below this many weights, waking the threads costs more than it saves. */
const SHARED_FROM = 16384;
