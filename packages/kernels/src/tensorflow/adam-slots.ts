import type { Tensor, Variable } from "@tensorflow/tfjs-core";
import type { Attribute, TensorFlowRuntime } from "./tensorflow-runtime.js";

/** Numbers of one step. */
export interface AdamStep {
  beta1: number;
  beta2: number;
  learningRate: number;
  /** β₁ᵗ and β₂ᵗ. */
  power1: number;
  power2: number;
  epsilon: number;
  /** What weights are multiplied with first. */
  keepFactor: number;
  /** What gradients are multiplied with first. */
  scale: number;
}

/** A weight and its moments as resources of TensorFlow, by the binding's numbers. */
interface Slot {
  weight: number;
  m: number;
  v: number;
  shape: number[];
  /** The tensor that `weight` was read into last: if the variable holds another one, somebody has written to it. */
  read: object | undefined;
}

let counter = 0;

/** Adam's moments inside TensorFlow, and its step as one ResourceApplyAdam for each weight. */
export class AdamSlots {
  private readonly slots = new Map<string, Slot>();
  private readonly dtype: Attribute;

  constructor(private readonly runtime: TensorFlowRuntime) {
    this.dtype = runtime.type("dtype");
  }

  get names(): string[] {
    return [...this.slots.keys()];
  }

  /** One step of a weight; `step` holds scalars made by `scalars`. */
  update(name: string, variable: Variable, gradient: Tensor, step: AdamStep, scalars: readonly number[]): void {
    const { runtime } = this;
    const slot = this.slots.get(name) ?? this.create(name, variable.shape);
    const [from, g] = runtime.ids(variable, gradient) as [number, number];
    if (step.keepFactor !== 1) {
      const kept = runtime.one("Mul", [runtime.float], [from, scalars[6]!], slot.shape);
      this.assign(slot.weight, kept);
      runtime.release(kept);
    } else if (slot.read !== variable.dataId) {
      this.assign(slot.weight, from);
    }
    const scaled = step.scale === 1 ? undefined : runtime.one("Mul", [runtime.float], [g, scalars[7]!], slot.shape);
    const ids = [slot.weight, slot.m, slot.v, ...scalars.slice(0, 6), scaled ?? g];
    runtime.execute("ResourceApplyAdam", [runtime.float], ids, 0, []);
    if (scaled !== undefined) runtime.release(scaled);
    const [read] = runtime.execute("ReadVariableOp", [this.dtype], [slot.weight], 1, [slot.shape]);
    const result = runtime.tensor(read!);
    variable.assign(result);
    slot.read = result.dataId;
  }

  /** What ResourceApplyAdam is told, for all weights of a step. Release them. */
  scalars({ power1, power2, learningRate, beta1, beta2, epsilon, keepFactor, scale }: AdamStep): number[] {
    // TensorFlow adds ε to √v, not to √(v / (1 − β₂ᵗ)): the factor brings it there.
    const values = [power1, power2, learningRate, beta1, beta2, epsilon * Math.sqrt(1 - power2), keepFactor, scale];
    return values.map((value) => this.runtime.scalar(value));
  }

  get(name: string): { m: Float32Array; v: Float32Array } {
    const { m, v } = this.slots.get(name)!;
    return { m: this.values(m), v: this.values(v) };
  }

  set(name: string, shape: number[], { m, v }: { m: Float32Array; v: Float32Array }): void {
    const slot = this.create(name, shape);
    for (const [handle, values] of [
      [slot.m, m],
      [slot.v, v],
    ] as const) {
      const id = this.runtime.binding.createTensor(shape, this.runtime.binding.TF_FLOAT, Float32Array.from(values));
      this.assign(handle, id);
      this.runtime.release(id);
    }
  }

  dispose(): void {
    for (const { weight, m, v } of this.slots.values()) {
      for (const handle of [weight, m, v]) {
        try {
          this.runtime.execute("DestroyResourceOp", [], [handle], 0);
        } catch {
          // A write to it failed, which whoever read the weight was told.
        } finally {
          this.runtime.release(handle);
        }
      }
    }
    this.slots.clear();
  }

  private create(name: string, shape: number[]): Slot {
    const { runtime } = this;
    const { binding } = runtime;
    const handle = (kind: string) => {
      const attributes = [
        this.dtype,
        { name: "shape", type: binding.TF_ATTR_SHAPE, value: shape },
        { name: "shared_name", type: binding.TF_ATTR_STRING, value: `acr-adam-${counter++}-${kind}` },
      ];
      return runtime.one("VarHandleOp", attributes, []);
    };
    const slot: Slot = { weight: handle("w"), m: handle("m"), v: handle("v"), shape, read: undefined };
    const size = shape.reduce((product, side) => product * side, 1);
    const zeros = binding.createTensor(shape, binding.TF_FLOAT, new Float32Array(size));
    this.assign(slot.m, zeros);
    this.assign(slot.v, zeros);
    runtime.release(zeros);
    this.slots.set(name, slot);
    return slot;
  }

  private assign(handle: number, value: number): void {
    this.runtime.execute("AssignVariableOp", [this.dtype], [handle, value], 0, []);
  }

  private values(handle: number): Float32Array {
    const id = this.runtime.one("ReadVariableOp", [this.dtype], [handle]);
    const values = Float32Array.from(this.runtime.binding.tensorDataSync(id));
    this.runtime.release(id);
    return values;
  }
}
