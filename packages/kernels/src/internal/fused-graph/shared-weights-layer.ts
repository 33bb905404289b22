import type { Tensor } from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import type { Layer, Shape } from "./tfjs-layers.js";

export type Run = (inputs: Tensor | Tensor[], kwargs: { training?: boolean }) => Tensor | Tensor[];

/** The only input of a layer that has one. */
export const single = (x: Tensor | Tensor[]): Tensor => (Array.isArray(x) ? x[0]! : x);

/** Computes what `originals` compute, with their own weights, by another route. */
export class SharedWeightsLayer extends layers.Layer {
  static className = "AcrSharedWeights";

  constructor(
    name: string,
    private readonly originals: readonly Layer[],
    private readonly run: Run,
    private readonly shapeOf: (inputShape: Shape | Shape[]) => Shape | Shape[],
  ) {
    super({ name });
    this.built = true;
    this.supportsMasking = originals.length === 1 && originals[0]!.supportsMasking;
  }

  /** Another route for one layer. */
  static of(original: Layer, run: Run): SharedWeightsLayer {
    return new SharedWeightsLayer(
      original.name,
      [original],
      run,
      (inputShape) => original.computeOutputShape(inputShape as Shape) as Shape | Shape[],
    );
  }

  override get trainableWeights() {
    return (this.originals ?? []).flatMap((layer) => layer.trainableWeights);
  }

  override get nonTrainableWeights() {
    return (this.originals ?? []).flatMap((layer) => layer.nonTrainableWeights);
  }

  /** What the originals' regularizers add to the loss, for `fit`. Not by `losses`, which is empty for a nested model. */
  override calculateLosses() {
    return this.originals.flatMap((layer) => layer.calculateLosses());
  }

  override computeMask(inputs: Tensor | Tensor[], mask?: Tensor | Tensor[]): Tensor | Tensor[] {
    return this.supportsMasking ? this.originals[0]!.computeMask(inputs, mask) : super.computeMask(inputs, mask);
  }

  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    return this.shapeOf(inputShape);
  }

  override call(inputs: Tensor | Tensor[], kwargs: { training?: boolean }): Tensor | Tensor[] {
    return this.run(inputs, kwargs ?? {});
  }

  /** The weights are the originals': nothing to release here. */
  override dispose() {
    return { refCountAfterDispose: 0, numDisposedVariables: 0 };
  }
}
