import type { LayersModel } from "@tensorflow/tfjs-layers";

/**
 * Brings the weights of a model to the processor, so that they can be read at once afterwards, until they are next written:
 * `webgpu` gives nothing at once. Elsewhere it does no harm. The writers that are asynchronous do it themselves.
 *
 * @param model - its weights are not changed.
 * @example
 * await fetchWeights(model);
 * const bytes = exportOnnx(model);
 */
export async function fetchWeights(model: LayersModel): Promise<void> {
  await Promise.all(model.getWeights().map((weight) => weight.data()));
}
