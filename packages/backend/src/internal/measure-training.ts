import { FusedAdam, optimizeForTraining } from "@acr/kernels";
import {
  mean,
  randomUniform,
  type Scalar,
  square,
  type Tensor,
  tidy,
  type Variable,
  variableGrads,
} from "@tensorflow/tfjs-core";
import { input, layers, model, type SymbolicTensor } from "@tensorflow/tfjs-layers";

const SIZE = 64;

/**
 * Median milliseconds per image of a training step on the backend in use: three convolutions with normalisation. The first
 * step is not counted.
 */
export async function measureTraining(
  batch: number,
  milliseconds: number,
): Promise<{ millisecondsPerImage: number; steps: number }> {
  const image = input({ shape: [SIZE, SIZE, 3] });
  let x: SymbolicTensor = image;
  for (const filters of [8, 16, 32]) {
    x = layers
      .conv2d({ filters, kernelSize: 3, strides: 2, padding: "same", useBias: false })
      .apply(x) as SymbolicTensor;
    x = layers.reLU({ maxValue: 6 }).apply(layers.batchNormalization({}).apply(x) as SymbolicTensor) as SymbolicTensor;
  }
  const net = model({ inputs: image, outputs: layers.globalAveragePooling2d({}).apply(x) as SymbolicTensor });
  const fused = optimizeForTraining(net);
  const variables = net.trainableWeights.map((weight) => weight.read() as Variable);
  const adam = new FusedAdam();
  const times: number[] = [];
  const begun = performance.now();
  for (let i = 0; i < 2 || performance.now() - begun < milliseconds; i++) {
    const started = performance.now();
    const loss = tidy(() => {
      const pixels = randomUniform([batch, SIZE, SIZE, 3], -1, 1, "float32", i);
      const { value, grads } = variableGrads(
        () => mean(square(fused.apply(pixels, { training: true }) as Tensor)) as Scalar,
        variables,
      );
      adam.applyGradients(grads);
      return value;
    });
    await loss.data();
    loss.dispose();
    times.push((performance.now() - started) / batch);
  }
  adam.dispose();
  net.dispose();
  const sorted = times.slice(1).sort((a, b) => a - b);
  return { millisecondsPerImage: sorted[sorted.length >> 1]!, steps: sorted.length };
}
