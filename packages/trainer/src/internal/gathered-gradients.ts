import { add, mul, type NamedTensorMap, tidy } from "@tensorflow/tfjs-core";

/** Gradients of the batches that make one step of the optimizer together; owns them. */
export class GatheredGradients {
  private sums: NamedTensorMap = {};
  private batches = 0;

  /** How many batches were added since the last step. */
  get count(): number {
    return this.batches;
  }

  /** Takes over the gradients of one more batch. */
  add(gradients: NamedTensorMap): void {
    const before = this.sums;
    this.sums =
      this.batches === 0 ? gradients : mapTensors(gradients, (gradient, name) => add(gradient, before[name]!));
    if (this.batches > 0) for (const used of [before, gradients]) disposeAll(used);
    this.batches++;
  }

  /** Hands on the mean over the batches, and begins anew. */
  use(step: (means: NamedTensorMap) => void): void {
    const { sums, batches } = this;
    tidy(() => step(batches === 1 ? sums : mapTensors(sums, (sum) => mul(sum, 1 / batches))));
    this.dispose();
  }

  /** Lets go of what was gathered. */
  dispose(): void {
    disposeAll(this.sums);
    this.sums = {};
    this.batches = 0;
  }
}

const mapTensors = (
  tensors: NamedTensorMap,
  change: (tensor: NamedTensorMap[string], name: string) => NamedTensorMap[string],
): NamedTensorMap =>
  tidy(() => Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, change(tensor, name)])));

function disposeAll(tensors: NamedTensorMap): void {
  for (const tensor of Object.values(tensors)) tensor.dispose();
}
