import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { BackendError } from "@acr/core";
import { expectNoTensorLeak, tensorFlowEngine, tolerance } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { FusedAdam } from "./fused-adam.js";
import { currentWasmRuntime } from "./internal/current-wasm-runtime.js";
import { optimizeForTraining } from "./optimize-for-training.js";
import { registerTrainingKernels } from "./register-training-kernels.js";

const tensorFlow = tensorFlowEngine();

/** A net of inverted residuals with an odd input size, a skip connection and two stem activations. */
function smallNet(): tfl.LayersModel {
  const { layers } = tfl;
  let seed = 1;
  const norm = (x: tfl.SymbolicTensor) =>
    layers.batchNormalization({ momentum: 0.9, epsilon: 1e-3 }).apply(x) as tfl.SymbolicTensor;
  const relu6 = (x: tfl.SymbolicTensor) => layers.reLU({ maxValue: 6 }).apply(x) as tfl.SymbolicTensor;
  const initializer = () => tfl.initializers.glorotUniform({ seed: seed++ });
  const conv = (x: tfl.SymbolicTensor, filters: number, kernelSize: number, strides = 1) =>
    layers
      .conv2d({ filters, kernelSize, strides, padding: "same", useBias: false, kernelInitializer: initializer() })
      .apply(x) as tfl.SymbolicTensor;
  const depthwise = (x: tfl.SymbolicTensor, strides: number) =>
    layers
      .depthwiseConv2d({ kernelSize: 3, strides, padding: "same", useBias: false, depthwiseInitializer: initializer() })
      .apply(x) as tfl.SymbolicTensor;
  /** Squeeze and excite, its gate on either side of the product. */
  const excite = (x: tfl.SymbolicTensor, isGateFirst: boolean) => {
    const channels = x.shape[3]!;
    const mean = layers.globalAveragePooling2d({}).apply(x) as tfl.SymbolicTensor;
    const squeezed = layers.reshape({ targetShape: [1, 1, channels] }).apply(mean);
    const gates = layers
      .conv2d({ filters: channels, kernelSize: 1, activation: "sigmoid", kernelInitializer: initializer() })
      .apply(squeezed) as tfl.SymbolicTensor;
    return layers.multiply().apply(isGateFirst ? [gates, x] : [x, gates]) as tfl.SymbolicTensor;
  };
  const input = tfl.input({ shape: [17, 17, 3] });
  let x = relu6(norm(conv(input, 8, 3, 2)));
  const skip = x;
  x = relu6(norm(conv(x, 24, 1)));
  x = relu6(norm(depthwise(x, 1)));
  x = excite(x, false);
  x = norm(conv(x, 8, 1));
  x = layers.add().apply([skip, x]) as tfl.SymbolicTensor;
  x = layers.activation({ activation: "relu" }).apply(norm(conv(x, 12, 1))) as tfl.SymbolicTensor;
  x = relu6(norm(depthwise(x, 2)));
  x = layers.activation({ activation: "swish" }).apply(norm(conv(x, 16, 1))) as tfl.SymbolicTensor;
  // Ten channels are no multiple of 4: the composed path.
  x = excite(relu6(norm(conv(x, 10, 1))), true);
  x = layers.globalAveragePooling2d({}).apply(x) as tfl.SymbolicTensor;
  return tfl.model({
    inputs: input,
    outputs: layers.dense({ units: 5, kernelInitializer: initializer() }).apply(x) as tfl.SymbolicTensor,
  });
}

/** γ and β that make the activations clip on both sides. */
function spreadNorms(model: tfl.LayersModel): void {
  const weights = model.getWeights().map((weight, i) => {
    const name = model.weights[i]!.originalName;
    if (name.endsWith("gamma")) return tf.randomUniform(weight.shape, 0.5, 3, "float32", i);
    return name.endsWith("beta") ? tf.randomUniform(weight.shape, -1, 3, "float32", i) : tf.clone(weight);
  });
  model.setWeights(weights);
}

/** Loss, gradients, moving statistics and the inference output after one training pass. */
async function trainingPass(backend: string, fused: boolean, batch: number) {
  await tf.setBackend(backend);
  const model = smallNet();
  tf.tidy(() => spreadNorms(model));
  const run = fused ? optimizeForTraining(model) : model;
  const x = tf.randomUniform([batch, 17, 17, 3], -1, 1, "float32", 5);
  const y = tf.randomUniform([batch, 5], -1, 1, "float32", 6);
  const { value, grads } = tf.variableGrads(
    () => tf.mean(tf.square(tf.sub(run.apply(x, { training: true }) as tf.Tensor, y))) as tf.Scalar,
    model.trainableWeights.map((weight) => weight.read() as tf.Variable),
  );
  const read = (tensor: tf.Tensor) => Float32Array.from(tensor.dataSync());
  return {
    loss: read(value),
    gradients: model.trainableWeights.map((weight) => ({
      name: weight.originalName,
      values: read(grads[(weight.read() as tf.Variable).name]!),
    })),
    statistics: model.nonTrainableWeights.map((weight) => read(weight.read())),
    prediction: read(run.predict(x) as tf.Tensor),
    plainPrediction: read(model.predict(x) as tf.Tensor),
  };
}

const largest = (values: Float32Array) => values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
function relativeError(actual: Float32Array, expected: Float32Array, scale = largest(expected)): number {
  return actual.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i]!)), 0) / scale;
}

describe("optimizeForTraining(model)", () => {
  it.each([
    ["wasm", "layer"],
    ["wasm", "model"],
    ["cpu", "layer"],
    ["cpu", "model"],
  ])(
    "on %s, %s.trainable = false lets normalisations infer and keep their statistics, as in Keras",
    async (backend, by) => {
      await tf.setBackend(backend);
      const model = smallNet();
      tf.tidy(() => spreadNorms(model));
      const fused = optimizeForTraining(model);
      const x = tf.randomUniform([3, 17, 17, 3], -1, 1, "float32", 5);
      const run = (training: boolean) => Float32Array.from((fused.apply(x, { training }) as tf.Tensor).dataSync());
      const set = (trainable: boolean) => {
        if (by === "model") model.trainable = trainable;
        else for (const layer of model.layers) layer.trainable = trainable;
      };
      const statistics = () =>
        model.layers
          .flatMap((layer) => layer.weights)
          .filter(({ originalName }) => /moving_/.test(originalName))
          .map((weight) => Float32Array.from(weight.read().dataSync()));
      const before = statistics();
      set(false);
      const frozen = run(true);
      expect(relativeError(frozen, run(false))).toBeLessThan(1e-5);
      expect(statistics()).toEqual(before);
      set(true);
      expect(relativeError(run(true), frozen)).toBeGreaterThan(1e-2);
      expect(statistics()).not.toEqual(before);
    },
  );

  it.each([
    ["wasm", 4],
    ["wasm", 1],
    ["cpu", 4],
    ...tensorFlow.flatMap((name): [string, number][] => [
      [name, 4],
      [name, 1],
    ]),
  ])(
    "agrees with the plain model on cpu in loss, gradients, statistics and predictions (%s, batch %i)",
    async (backend, batch) => {
      await tf.setBackend(backend);
      const kernels = await registerTrainingKernels();
      const fused = await trainingPass(backend, true, batch);
      await kernels.undo();
      const plain = await trainingPass("cpu", false, batch);
      expect(relativeError(fused.loss, plain.loss)).toBeLessThan(tolerance.float32);
      const globalLargest = Math.max(...plain.gradients.map(({ values }) => largest(values)));
      plain.gradients.forEach(({ values }, i) => {
        // Weights in front of a normalisation can have a gradient that is zero in theory: noise beside the others.
        const scale = largest(values) < 1e-5 * globalLargest ? globalLargest : largest(values);
        expect(relativeError(fused.gradients[i]!.values, values, scale)).toBeLessThan(2 * tolerance.float32);
      });
      plain.statistics.forEach((values, i) =>
        expect(relativeError(fused.statistics[i]!, values)).toBeLessThan(tolerance.float32),
      );
      expect(relativeError(fused.prediction, plain.prediction)).toBeLessThan(tolerance.float32);
      expect(relativeError(fused.plainPrediction, plain.prediction)).toBeLessThan(tolerance.float32);
    },
  );

  it("has the gradients of the plain model on cpu while it infers, by picture and by weight", async () => {
    const gradientsOn = async (backend: string) => {
      await tf.setBackend(backend);
      const model = smallNet();
      tf.tidy(() => spreadNorms(model));
      const run = backend === "cpu" ? model : optimizeForTraining(model);
      const x = tf.randomUniform([3, 17, 17, 3], -1, 1, "float32", 5);
      const loss = (picture: tf.Tensor) => tf.mean(tf.square(run.apply(picture, { training: false }) as tf.Tensor));
      const step = () =>
        tf.tidy(() => {
          const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
          const { grads } = tf.variableGrads(() => loss(x) as tf.Scalar, variables);
          return [tf.grad(loss)(x), ...variables.map(({ name }) => grads[name]!)].map((tensor) =>
            Float32Array.from(tensor.dataSync()),
          );
        });
      const gradients = step();
      await expectNoTensorLeak(step);
      return gradients;
    };
    await tf.setBackend("wasm");
    const kernels = await registerTrainingKernels();
    const actual = await gradientsOn("wasm");
    await kernels.undo();
    const expected = await gradientsOn("cpu");
    expect(actual).toHaveLength(expected.length);
    expected.forEach((values, i) => expect(relativeError(actual[i]!, values)).toBeLessThan(2 * tolerance.float32));
  });

  it("trains with the layers' regularizers, whether they are in a unit, in squeeze and excite, in a nested model or alone", async () => {
    await tf.setBackend("cpu");
    const { layers, regularizers } = tfl;
    const l2 = (scale: number) => regularizers.l2({ l2: scale });
    const input = tfl.input({ shape: [4, 4, 3] });
    const apply = (layer: tfl.layers.Layer, x: tfl.SymbolicTensor | tfl.SymbolicTensor[]) =>
      layer.apply(x) as tfl.SymbolicTensor;
    let x = apply(layers.conv2d({ filters: 4, kernelSize: 1, useBias: false, kernelRegularizer: l2(0.1) }), input);
    const map = apply(layers.reLU({}), apply(layers.batchNormalization({ gammaRegularizer: l2(0.2) }), x));
    const dense = (activation: "relu" | "sigmoid", scale: number) =>
      layers.conv2d({ filters: 4, kernelSize: 1, activation, kernelRegularizer: l2(scale) });
    x = apply(layers.reshape({ targetShape: [1, 1, 4] }), apply(layers.globalAveragePooling2d({}), map));
    x = apply(layers.multiply(), [map, apply(dense("sigmoid", 0.4), apply(dense("relu", 0.3), x))]);
    x = apply(layers.dense({ units: 2, kernelRegularizer: l2(0.5) }), apply(layers.globalAveragePooling2d({}), x));
    const nested = tfl.sequential();
    nested.add(layers.dense({ units: 2, kernelRegularizer: l2(0.6), inputShape: [2] }));
    const model = tfl.model({ inputs: input, outputs: apply(nested, x) });
    const sums = [model, optimizeForTraining(model)].map((one) =>
      one.calculateLosses().map((loss) => loss.dataSync()[0]!),
    );
    expect(sums[1]).toHaveLength(6);
    expect([...sums[1]!].sort()).toEqual([...sums[0]!].sort());
    expect(Math.min(...sums[1]!)).toBeGreaterThan(0);
  });

  it("leaves out the dilation of a DepthwiseConv2D, as that layer does and what is saved will do", async () => {
    await tf.setBackend("wasm");
    const kernels = await registerTrainingKernels();
    const { layers } = tfl;
    const model = tfl.sequential({
      layers: [
        layers.depthwiseConv2d({
          kernelSize: 3,
          dilationRate: 2,
          padding: "same",
          useBias: false,
          inputShape: [7, 7, 4],
        }),
        layers.batchNormalization({}),
        layers.depthwiseConv2d({ kernelSize: 2, dilationRate: 2, padding: "same", useBias: false }),
      ],
    });
    const x = tf.randomUniform([2, 7, 7, 4], -1, 1, "float32", 1);
    const [expected, actual] = [model, optimizeForTraining(model)].map((one) =>
      (one.predict(x) as tf.Tensor).dataSync<"float32">(),
    );
    expect(relativeError(actual!, expected!)).toBeLessThan(tolerance.float32);
    await kernels.undo();
  });

  it.each(["wasm", "cpu", ...tensorFlow])(
    "trains dilated convolutions with a bias, an activation, a normalisation behind or none of them, on %s",
    async (backend) => {
      const { layers } = tfl;
      const size = { filters: 4, kernelSize: 3, dilationRate: [2, 3] as [number, number] };
      const kernelInitializer = () => tfl.initializers.randomUniform({ minval: -0.5, maxval: 0.5, seed: 1 });
      const biasInitializer = () => tfl.initializers.randomUniform({ minval: -0.5, maxval: 0.5, seed: 2 });
      const configs = [
        { useBias: true, activation: "relu", padding: "same" },
        { useBias: true, activation: "linear", padding: "valid" },
        { useBias: false, activation: "sigmoid", padding: "same" },
        { useBias: false, activation: "linear", padding: "same" },
      ] as const;
      for (const config of configs) {
        await tf.setBackend(backend);
        const convolution = layers.conv2d({
          ...size,
          ...config,
          inputShape: [9, 11, 3],
          kernelInitializer: kernelInitializer(),
          biasInitializer: biasInitializer(),
        });
        const norm = layers.batchNormalization({});
        const model = tfl.sequential({ layers: config.padding === "valid" ? [convolution] : [convolution, norm] });
        // Zeros between the taps of a filter make the same convolution, whose gradients tfjs has.
        const plain = (x: tf.Tensor, filter: tf.Tensor, bias?: tf.Tensor) => {
          const between = (axis: number, step: number) => (map: tf.Tensor) => {
            const taps = tf.split(map, 3, axis);
            const zeros = taps.slice(1).map((tap) => tf.concat(Array(step - 1).fill(tf.zerosLike(tap)), axis));
            return tf.concat([taps[0]!, zeros[0]!, taps[1]!, zeros[1]!, taps[2]!], axis);
          };
          const spread = between(1, 3)(between(0, 2)(filter)) as tf.Tensor4D;
          const sum = tf.add(tf.conv2d(x as tf.Tensor4D, spread, 1, config.padding), bias ?? 0);
          const y = { linear: () => sum, relu: () => tf.relu(sum), sigmoid: () => tf.sigmoid(sum) }[
            config.activation
          ]();
          if (config.padding === "valid") return y;
          const { mean, variance } = tf.moments(y, [0, 1, 2]);
          return tf.div(tf.sub(y, mean), tf.sqrt(tf.add(variance, 1e-3)));
        };
        const step = (run: (x: tf.Tensor) => tf.Tensor, variables: tf.Variable[]) =>
          tf.tidy(() => {
            const x = tf.randomUniform([2, 9, 11, 3], -1, 1, "float32", 3);
            const target = tf.randomUniform(run(x).shape, -1, 1, "float32", 4);
            const loss = (x: tf.Tensor) => tf.sum(tf.mul(run(x), target)) as tf.Scalar;
            const { grads } = tf.variableGrads(() => loss(x), variables);
            return [run(x), tf.grad(loss)(x), ...variables.map(({ name }) => grads[name]!)].map((tensor) =>
              Float32Array.from(tensor.dataSync()),
            );
          });
        const kernels = await registerTrainingKernels();
        const fused = optimizeForTraining(model);
        const variables = convolution.trainableWeights.map((weight) => weight.read() as tf.Variable);
        const run = () => step((x) => fused.apply(x, { training: true }) as tf.Tensor, variables);
        const actual = run();
        await expectNoTensorLeak(run);
        await kernels.undo();
        await tf.setBackend("cpu");
        const [filter, bias] = variables;
        const expected = step((x) => plain(x, filter!, bias), variables);
        const scale = Math.max(...expected.slice(2).map(largest));
        expected.forEach((values, i) =>
          expect(relativeError(actual[i]!, values, i < 2 ? largest(values) : scale)).toBeLessThan(
            2 * tolerance.float32,
          ),
        );
      }
    },
  );

  /** Every place of a normalisation: in units, with and without a residual, and alone, where ten channels are composed. */
  function netOfNorms(config: { scale?: boolean; center?: boolean }): tfl.LayersModel {
    const { layers } = tfl;
    let seed = 1;
    const initializer = () => tfl.initializers.glorotUniform({ seed: seed++ });
    const apply = (layer: tfl.layers.Layer, x: tfl.SymbolicTensor | tfl.SymbolicTensor[]) =>
      layer.apply(x) as tfl.SymbolicTensor;
    const unit = (x: tfl.SymbolicTensor, filters: number, kernelSize: number) => {
      const size = { filters, kernelSize, padding: "same" as const };
      const z = apply(layers.conv2d({ ...size, useBias: false, kernelInitializer: initializer() }), x);
      return apply(layers.reLU({}), apply(layers.batchNormalization({ ...config, momentum: 0.9 }), z));
    };
    const input = tfl.input({ shape: [7, 7, 3] });
    let x = unit(input, 8, 3);
    x = apply(layers.add(), [x, unit(unit(x, 12, 1), 8, 1)]);
    x = apply(layers.batchNormalization({ ...config, momentum: 0.9 }), x);
    x = apply(layers.globalAveragePooling2d({}), unit(x, 10, 3));
    return tfl.model({
      inputs: input,
      outputs: apply(layers.dense({ units: 2, kernelInitializer: initializer() }), x),
    });
  }

  const isFactor = ({ originalName }: { originalName: string }) => /gamma|beta/.test(originalName);

  it.each(
    ["wasm", "cpu", ...tensorFlow].flatMap((backend) =>
      [{ scale: false }, { center: false }, { scale: false, center: false }].map(
        (config) => [backend, config] as const,
      ),
    ),
  )("on %s, trains normalisations of %j with constants for what they lack", async (backend, config) => {
    const pass = async (backend: string, config: { scale?: boolean; center?: boolean }, isFused: boolean) => {
      await tf.setBackend(backend);
      const kernels = await registerTrainingKernels();
      const model = netOfNorms(config);
      const run = isFused ? optimizeForTraining(model) : model;
      const x = tf.randomUniform([3, 7, 7, 3], -1, 1, "float32", 5);
      const loss = (x: tf.Tensor) => tf.sum(tf.square(run.apply(x, { training: true }) as tf.Tensor)) as tf.Scalar;
      const weights = model.trainableWeights.filter((weight) => !isFactor(weight));
      const step = () =>
        tf.tidy(() => {
          const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
          const { grads } = tf.variableGrads(() => loss(x), variables);
          expect(Object.keys(grads)).toHaveLength(variables.length);
          return weights.map((weight) => Float32Array.from(grads[(weight.read() as tf.Variable).name]!.dataSync()));
        });
      const gradients = step();
      const statistics = model.nonTrainableWeights.map((weight) => Float32Array.from(weight.read().dataSync()));
      const predictions = [run, model].map((one) => Float32Array.from((one.predict(x) as tf.Tensor).dataSync()));
      if (isFused) await expectNoTensorLeak(step);
      await kernels.undo();
      return { gradients, values: [...statistics, ...predictions], saved: model.weights.length };
    };
    const actual = await pass(backend, config, true);
    // tfjs' own layer trains only with both; at their start they are those constants.
    const expected = await pass("cpu", {}, false);
    const scale = Math.max(...expected.gradients.map(largest));
    expected.gradients.forEach((values, i) =>
      expect(relativeError(actual.gradients[i]!, values, scale)).toBeLessThan(2 * tolerance.float32),
    );
    expected.values.forEach((values, i) =>
      expect(relativeError(actual.values[i]!, values)).toBeLessThan(2 * tolerance.float32),
    );
    expect(actual.saved).toBe(expected.saved - 5 * Object.keys(config).length);
  });

  it.each(["layer", "model"])(
    "knows by the %s whether a normalisation without weights to train is frozen",
    async (by) => {
      await tf.setBackend("cpu");
      const model = netOfNorms({ scale: false, center: false });
      const fused = optimizeForTraining(model);
      const x = tf.randomUniform([3, 7, 7, 3], -1, 1, "float32", 5);
      const frozen = by === "model" ? [model] : model.layers;
      const run = (training: boolean) => Float32Array.from((fused.apply(x, { training }) as tf.Tensor).dataSync());
      for (const one of frozen) one.trainable = false;
      expect(run(true)).toEqual(run(false));
      for (const one of frozen) one.trainable = true;
      expect(relativeError(run(true), run(false))).toBeGreaterThan(1e-2);
    },
  );

  it.each(["wasm", ...tensorFlow])(
    "fuses what is in a nested model, frozen or not, with several outputs, on %s",
    async (backend) => {
      await tf.setBackend(backend);
      const kernels = await registerTrainingKernels();
      const { layers } = tfl;
      const image = tfl.input({ shape: [6, 6, 3] });
      const apply = (layer: tfl.layers.Layer, x: tfl.SymbolicTensor) => layer.apply(x) as tfl.SymbolicTensor;
      const unit = (x: tfl.SymbolicTensor) => {
        const map = apply(layers.conv2d({ filters: 4, kernelSize: 3, padding: "same", useBias: false }), x);
        return apply(layers.reLU({}), apply(layers.batchNormalization({ momentum: 0.5 }), map));
      };
      const inner = tfl.input({ shape: [6, 6, 3] });
      const first = unit(inner);
      const base = tfl.model({ inputs: inner, outputs: [first, unit(first)] });
      const maps = base.apply(image) as tfl.SymbolicTensor[];
      const outputs = maps.map((map) => apply(layers.globalAveragePooling2d({}), map));
      const model = tfl.model({ inputs: image, outputs });
      const fast = optimizeForTraining(model);
      const x = tf.randomUniform([2, 6, 6, 3], 1, 2, "float32", 1);
      const moving = () =>
        base.layers
          .find(({ name }) => name.startsWith("batch"))!
          .getWeights()[2]!
          .dataSync<"float32">();
      const before = moving();
      const values = (one: tfl.LayersModel) => {
        const y = one.apply(x, { training: true }) as tf.Tensor[];
        return y.map((tensor) => tensor.dataSync<"float32">());
      };
      base.trainable = false;
      const inferred = model.predict(x) as tf.Tensor[];
      values(fast).forEach((y, i) =>
        expect(relativeError(y, inferred[i]!.dataSync<"float32">())).toBeLessThan(tolerance.float32),
      );
      expect(moving()).toEqual(before);
      base.trainable = true;
      const weights = model.getWeights().map((weight) => weight.clone());
      const expected = values(model);
      const expectedMoving = moving();
      model.setWeights(weights);
      values(fast).forEach((y, i) => expect(relativeError(y, expected[i]!)).toBeLessThan(tolerance.float32));
      expect(relativeError(moving(), expectedMoving)).toBeLessThan(tolerance.float32);
      await kernels.undo();
    },
  );

  it("hands on masks where a layer does", async () => {
    await tf.setBackend("cpu");
    const { layers } = tfl;
    const model = tfl.sequential({
      layers: [
        layers.masking({ maskValue: 0, inputShape: [3, 2] }),
        layers.simpleRNN({ units: 4, recurrentInitializer: "ones" }),
      ],
    });
    const x = tf.tensor3d([1, 2, 3, 4, 0, 0], [1, 3, 2]);
    const [expected, actual] = [model, optimizeForTraining(model)].map((one) =>
      (one.predict(x) as tf.Tensor).dataSync<"float32">(),
    );
    expect(actual).toEqual(expected);
  });

  it("keeps a normalisation unfused whose own output is an output of the model", async () => {
    await tf.setBackend("cpu");
    const input = tfl.input({ shape: [4] });
    const norm = tfl.layers.batchNormalization({}).apply(input) as tfl.SymbolicTensor;
    const relu = tfl.layers.reLU({}).apply(norm) as tfl.SymbolicTensor;
    const model = tfl.model({ inputs: input, outputs: [norm, relu] });
    const x = tf.tensor2d([[-1, 2, -3, 4]]);
    const expected = (model.predict(x) as tf.Tensor[]).map((tensor) => [...tensor.dataSync()]);
    const actual = (optimizeForTraining(model).predict(x) as tf.Tensor[]).map((tensor) => [...tensor.dataSync()]);
    actual.forEach((values, i) => values.forEach((value, k) => expect(value).toBeCloseTo(expected[i]![k]!, 5)));
  });

  it.each(["wasm", ...tensorFlow])(
    "leaves the original's topology as it was and leaks nothing in a step on %s",
    async (backend) => {
      await tf.setBackend(backend);
      const kernels = await registerTrainingKernels();
      const model = smallNet();
      const before = JSON.stringify(model.toJSON());
      const fused = optimizeForTraining(model);
      expect(JSON.stringify(model.toJSON())).toBe(before);
      expect(fused.countParams()).toBe(model.countParams());
      const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
      const adam = new FusedAdam({ learningRate: 1e-2, clipNorm: 1 });
      const x = tf.randomUniform([2, 17, 17, 3], -1, 1, "float32", 5);
      const losses: number[] = [];
      const step = () =>
        tf.tidy(() => {
          const { value, grads } = tf.variableGrads(
            () => tf.mean(tf.square(fused.apply(x, { training: true }) as tf.Tensor)) as tf.Scalar,
            variables,
          );
          adam.applyGradients(grads);
          losses.push(value.dataSync()[0]!);
        });
      step();
      await expectNoTensorLeak(step);
      for (let i = 0; i < 20; i++) step();
      expect(losses.at(-1)!).toBeLessThan(losses[0]! / 2);
      adam.dispose();
      await kernels.undo();
    },
  );

  it("predicts with the weights of now, whichever of them changed, and frees its packed copies with the model", async () => {
    await tf.setBackend("wasm");
    const kernels = await registerTrainingKernels();
    const folded = currentWasmRuntime()!.folded;
    const model = smallNet();
    const fused = optimizeForTraining(model);
    const x = tf.randomUniform([2, 17, 17, 3], -1, 1, "float32", 5);
    const predict = (net: tfl.LayersModel) =>
      tf.tidy(() => Float32Array.from((net.predict(x) as tf.Tensor).dataSync()));
    const expectAgreement = () => {
      const plain = predict(model);
      expect(relativeError(predict(fused), plain)).toBeLessThan(tolerance.float32);
      expect(predict(fused)).toEqual(predict(fused));
      return plain;
    };
    let before = expectAgreement();
    const held = folded.size;
    expect(held).toBeGreaterThan(3);
    for (const kind of ["kernel", "gamma", "beta", "moving_mean", "moving_variance"]) {
      for (const weight of model.weights.filter(({ originalName }) => originalName.endsWith(kind))) {
        tf.tidy(() => {
          weight.write(tf.add(tf.mul(weight.read(), 1.1), 0.01));
        });
      }
      const after = expectAgreement();
      expect(relativeError(after, before)).toBeGreaterThan(10 * tolerance.float32);
      expect(folded.size).toBe(held);
      before = after;
    }
    await expectNoTensorLeak(() => predict(fused));
    model.dispose();
    expect(folded.size).toBe(0);
    await kernels.undo();
  });

  it("refuses a batch that cannot fit before the step starts, and goes on with a smaller one", async () => {
    await tf.setBackend("wasm");
    const kernels = await registerTrainingKernels();
    const { layers } = tfl;
    const input = tfl.input({ shape: [512, 512, 3] });
    const x = layers.conv2d({ filters: 64, kernelSize: 1, useBias: false }).apply(input) as tfl.SymbolicTensor;
    const y = layers.batchNormalization({}).apply(x) as tfl.SymbolicTensor;
    const fused = optimizeForTraining(
      tfl.model({ inputs: input, outputs: layers.globalAveragePooling2d({}).apply(y) as tfl.SymbolicTensor }),
    );
    const step = (batch: number) =>
      tf.tidy(() => {
        const images = tf.zeros([batch, 512, 512, 3]);
        return fused.apply(images, { training: true }) as tf.Tensor;
      });
    const before = tf.memory().numTensors;
    expect(() => step(64)).toThrow(BackendError);
    expect(() => step(64)).toThrow("a training step with batch 64 needs about 20");
    expect(tf.memory().numTensors).toBe(before);
    const pooled = step(1);
    expect(pooled.dataSync().every((value) => Math.abs(value) < 1e-6)).toBe(true);
    pooled.dispose();
    await kernels.undo();
  });

  it("refuses what is no model", () => {
    expect(() => optimizeForTraining({} as tfl.LayersModel)).toThrow(
      "optimizeForTraining: model must be a tfjs LayersModel",
    );
  });
});
