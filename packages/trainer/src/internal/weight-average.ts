import { add, keep, mul, type Tensor, tensor, tidy, type Variable } from "@tensorflow/tfjs-core";

/**
 * A running average of weights, moving statistics included:
 *
 *   a ← d·a + (1 − d)·w,   d = min(decay, (1 + t) / (10 + t)) at step t, so that the start is soon forgotten
 *
 * Owns its tensors: call `dispose`.
 */
export class WeightAverage {
  private readonly averages = new Map<string, Tensor>();

  constructor(
    private readonly variables: ReadonlyMap<string, Variable>,
    private readonly decay: number,
  ) {
    for (const [name, variable] of variables) this.averages.set(name, keep(variable.clone()));
  }

  /** @param step - zero-based optimizer step that was just done. */
  update(step: number): void {
    const decay = Math.min(this.decay, (1 + step) / (10 + step));
    tidy(() => {
      for (const [name, variable] of this.variables) {
        const old = this.averages.get(name)!;
        this.averages.set(name, keep(add(mul(old, decay), mul(variable, 1 - decay))));
        old.dispose();
      }
    });
  }

  /** Runs something with the averages in place of the weights, which come back bit for bit. */
  async swapped<T>(run: () => Promise<T>): Promise<T> {
    const weights = new Map([...this.variables].map(([name, variable]) => [name, variable.clone()]));
    try {
      for (const [name, variable] of this.variables) variable.assign(this.averages.get(name)!);
      return await run();
    } finally {
      // `assign` shares the values of a tensor and leaves the tensor itself to its owner.
      for (const [name, variable] of this.variables) {
        variable.assign(weights.get(name)!);
        weights.get(name)!.dispose();
      }
    }
  }

  getState(): Record<string, Float32Array> {
    return Object.fromEntries([...this.averages].map(([name, value]) => [name, Float32Array.from(value.dataSync())]));
  }

  async readState(): Promise<Record<string, Float32Array>> {
    const all = [...this.averages].map(async ([name, value]) => [name, Float32Array.from(await value.data())] as const);
    return Object.fromEntries(await Promise.all(all));
  }

  setState(state: Readonly<Record<string, Float32Array>>): void {
    for (const [name, variable] of this.variables) {
      this.averages.get(name)!.dispose();
      this.averages.set(name, keep(tensor(state[name]!, variable.shape)));
    }
  }

  dispose(): void {
    for (const value of this.averages.values()) value.dispose();
    this.averages.clear();
  }
}
