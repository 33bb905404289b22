import "@tensorflow/tfjs-backend-cpu";
import { BackendError } from "@acr/core";
import { expectNoTensorLeak, tensorFlowEngine, tolerance } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { FusedAdam } from "../fused-adam.js";
import { optimizeForTraining } from "../optimize-for-training.js";
import { registerTrainingKernels, type TrainingKernels } from "../register-training-kernels.js";
import { registerTensorFlowKernels } from "./register-tensorflow-kernels.js";
import { asMemoryFault } from "./tensorflow-runtime.js";

const onTensorFlow = tensorFlowEngine().length > 0 ? describe : describe.skip;

onTensorFlow("registerTrainingKernels() on tensorflow", () => {
  let kernels: TrainingKernels;
  beforeAll(async () => {
    await tf.setBackend("tensorflow");
    kernels = await registerTrainingKernels();
  });
  afterAll(async () => {
    await tf.setBackend("tensorflow");
    await kernels.undo();
  });
  beforeEach(() => tf.setBackend("tensorflow"));

  it("says which it started, and returns the same when called twice", async () => {
    expect(kernels.variant).toMatch(/^tensorflow-(cpu|gpu)$/);
    expect(await registerTrainingKernels()).toBe(kernels);
    expect(registerTensorFlowKernels()).toBe(kernels);
  });

  const paddings: [string, [number, number][]][] = [
    [
      "even",
      [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ],
    ],
    [
      "that of Keras' ZeroPadding2D",
      [
        [0, 0],
        [0, 1],
        [0, 1],
        [0, 0],
      ],
    ],
    [
      "uneven",
      [
        [0, 0],
        [2, 0],
        [1, 2],
        [0, 0],
      ],
    ],
  ];
  it.each(paddings)(
    "gives convolutions with padding in pixels (%s) the values and gradients of cpu",
    async (_, pad) => {
      const run = (isDepthwise: boolean) =>
        tf.tidy(() => {
          const x = tf.randomUniform([2, 9, 8, 6], -1, 1, "float32", 1);
          const filter = tf.randomUniform([3, 3, 6, isDepthwise ? 1 : 5], -1, 1, "float32", 2);
          const f = (x: tf.Tensor, filter: tf.Tensor) =>
            isDepthwise
              ? tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 2, pad as never)
              : tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 2, pad as never);
          const y = f(x, filter);
          const dy = tf.randomUniform(y.shape, -1, 1, "float32", 3);
          return [y, ...tf.grads(f)([x, filter], dy)].map((tensor) => [...tensor.dataSync()]);
        });
      for (const isDepthwise of [false, true]) {
        await tf.setBackend("tensorflow");
        const actual = run(isDepthwise);
        await tf.setBackend("cpu");
        run(isDepthwise).forEach((values, k) => {
          const largest = Math.max(...values.map(Math.abs));
          values.forEach((value, i) =>
            expect(Math.abs(actual[k]![i]! - value)).toBeLessThan(tolerance.float32 * largest),
          );
        });
      }
    },
  );

  it("keeps Adam's step when a weight is written from outside, and its state through getState and setState", async () => {
    const descend = (adam: FusedAdam, weights: tf.Variable, steps: number) => {
      for (let i = 0; i < steps; i++)
        tf.tidy(() => adam.applyGradients({ [weights.name]: tf.sub(weights, tf.range(0, weights.size)) }));
    };
    const curve = async (backend: string) => {
      await tf.setBackend(backend);
      const weights = tf.variable(tf.linspace(-3, 5, 23));
      const adam = new FusedAdam({ learningRate: 0.1 });
      descend(adam, weights, 3);
      tf.tidy(() => weights.assign(tf.mul(weights, 0.5)));
      descend(adam, weights, 2);
      const again = new FusedAdam({ learningRate: 0.1 });
      again.setState(adam.getState());
      adam.dispose();
      adam.dispose();
      descend(again, weights, 3);
      const values = [...weights.dataSync()];
      again.dispose();
      weights.dispose();
      return values;
    };
    const actual = await curve("tensorflow");
    (await curve("cpu")).forEach((value, i) => expect(actual[i]).toBeCloseTo(value, 4));
  });

  it("leaves tensors read before a step as they were", () => {
    const weights = tf.variable(tf.tensor1d([1, 2, 3]));
    const adam = new FusedAdam({ learningRate: 0.1 });
    const before = [0, 1, 2].map(() => {
      const kept = weights.clone();
      tf.tidy(() => adam.applyGradients({ [weights.name]: tf.ones([3]) }));
      return kept;
    });
    expect([...before[0]!.dataSync()]).toEqual([1, 2, 3]);
    const [first, second] = [before[1]!.dataSync()[0]!, before[2]!.dataSync()[0]!];
    expect(first).toBeCloseTo(0.9, 4);
    expect(second).toBeCloseTo(0.8, 4);
    adam.dispose();
    tf.dispose([weights, ...before]);
  });

  it("leaks no tensor of tfjs and none of TensorFlow in a step", async () => {
    const weights = tf.variable(tf.ones([3, 3, 4, 4]));
    const adam = new FusedAdam({ learningRate: 0.1, weightDecay: 0.1, clipNorm: 1 });
    const step = () =>
      tf.tidy(() => {
        const { grads } = tf.variableGrads(
          () => tf.sum(tf.conv2d(tf.ones([1, 5, 5, 4]) as tf.Tensor4D, weights as never, 1, "same")) as tf.Scalar,
          [weights],
        );
        adam.applyGradients(grads);
      });
    step();
    await expectNoTensorLeak(step);
    // The binding numbers its tensors one after another; what it still holds is what it can still read.
    const { binding } = tf.backend() as unknown as {
      binding: {
        createTensor(s: number[], t: number, v: Float32Array): number;
        tensorDataSync(id: number): unknown;
        TF_FLOAT: number;
      };
    };
    const next = () => {
      const id = binding.createTensor([], binding.TF_FLOAT, new Float32Array(1));
      (binding as unknown as { deleteTensor(id: number): void }).deleteTensor(id);
      return id;
    };
    const from = next();
    step();
    const to = next();
    let held = 0;
    for (let id = from; id <= to; id++) {
      try {
        binding.tensorDataSync(id);
        held++;
      } catch {
        // Released.
      }
    }
    // The weight itself is new.
    expect(held).toBe(1);
    adam.dispose();
    weights.dispose();
  });

  /** What is seen of the binding. */
  const binding = () =>
    (
      tf.backend() as unknown as {
        binding: {
          TF_ATTR_SHAPE: number;
          TF_ATTR_TYPE: number;
          TF_FLOAT: number;
          executeOp(...args: unknown[]): { id: number }[];
          awaitTensors?: (ids: number[]) => void;
          tensorDataSync(id: number): Float32Array;
          deleteTensor(id: number): void;
          getNumOfTensors(): number;
        };
      }
    ).binding;

  it("keeps variables' reads and writes in order while operations wait for their inputs", () => {
    const weights = tf.variable(tf.zeros([64]));
    const adam = new FusedAdam({ learningRate: 1 });
    const seen: tf.Tensor[] = [];
    for (let i = 0; i < 40; i++) {
      tf.tidy(() => {
        // Something long that the gradient must wait for.
        const one = tf.mean(
          tf.conv2d(tf.ones([1, 64, 64, 8]) as tf.Tensor4D, tf.fill([3, 3, 8, 8], 1 / 72), 1, "valid"),
          [0, 1, 2],
        );
        adam.applyGradients({ [weights.name]: tf.mul(tf.ones([64]), tf.mean(one)) as tf.Tensor });
      });
      seen.push(weights.clone());
    }
    // A constant gradient moves a weight by the learning rate.
    seen.forEach((value, i) => expect(value.dataSync()[63]).toBeCloseTo(-(i + 1), 3));
    adam.dispose();
    tf.dispose([weights, ...seen]);
  });

  it("releases tensors that are disposed before they are computed, and memory of JavaScript behind its last reader", async () => {
    const run = () => {
      for (let i = 0; i < 30; i++)
        tf.tidy(() => {
          const pixels = tf.tensor(new Float32Array(3 * 64 * 64).fill(i), [1, 64, 64, 3]) as tf.Tensor4D;
          tf.relu(tf.conv2d(pixels, tf.ones([3, 3, 3, 16]), 1, "same"));
        });
    };
    run();
    const before = binding().getNumOfTensors();
    run();
    expect(binding().getNumOfTensors()).toBe(before);
    await expectNoTensorLeak(run);
  });

  it("knows the shapes of what tfjs-node's kernels ask for, as tfjs says them", async () => {
    const run = () =>
      tf.tidy(() => {
        const x = tf.randomUniform([2, 7, 6, 3], -1, 1, "float32", 1) as tf.Tensor4D;
        const filter = tf.randomUniform([3, 2, 3, 5], -1, 1, "float32", 2) as tf.Tensor4D;
        const row = tf.randomUniform([3], -1, 1, "float32", 3);
        const [p, q] = [
          tf.randomUniform([4, 5, 2], -1, 1, "float32", 4),
          tf.randomUniform([4, 2, 3], -1, 1, "float32", 5),
        ];
        const fused = (pad: "same" | "valid" | [[0, 0], [number, number], [number, number], [0, 0]], dilations = 1) =>
          tf.fused.conv2d({
            x,
            filter,
            strides: dilations > 1 ? 1 : 2,
            dilations,
            pad,
            activation: "relu",
            bias: tf.ones([5]),
          });
        return [
          ...[tf.sum(x), tf.sum(x, [1, 2]), tf.mean(x, [1, 2], true), tf.max(x, -1), tf.min(x, [0, 3]), tf.prod(row)],
          ...[tf.add(x, row), tf.mul(row, x), tf.div(x, 3), tf.maximum(tf.reshape(row, [3, 1]), row)],
          ...[tf.square(x), tf.neg(x), tf.cast(tf.greater(x, 0), "float32"), tf.cast(x, "int32")],
          ...[tf.matMul(p, q), tf.matMul(q, p, true, true), tf.matMul(tf.slice(p, 0, 1), q)],
          ...[
            fused("same"),
            fused("valid"),
            fused([
              [0, 0],
              [1, 0],
              [2, 1],
              [0, 0],
            ]),
            fused("valid", 2),
          ],
          ...[tf.reshape(x, [-1, 9]), tf.sum(tf.cast(x, "int32"), 1)],
        ].map((y) => ({ shape: y.shape, dtype: y.dtype, values: [...y.dataSync()] }));
      });
    await tf.setBackend("tensorflow");
    const actual = run();
    await tf.setBackend("cpu");
    run().forEach(({ values, ...expected }, i) => {
      expect(actual[i]).toMatchObject(expected);
      values.forEach((value, k) => expect(actual[i]!.values[k]).toBeCloseTo(value, 4));
    });
  });

  it("throws what went wrong in an operation from whoever needs the result, and no weight changes", () => {
    const { executeOp } = binding();
    const weights = tf.variable(tf.ones([2]));
    const adam = new FusedAdam({ learningRate: 1 });
    tf.tidy(() => adam.applyGradients({ [weights.name]: tf.ones([2]) }));
    const before = adam.getState();
    const start = tf.memory().numTensors;
    tf.tidy(() => {
      const x = tf.tensor1d([1, 2, 3]);
      const [id] = (tf.backend() as unknown as { getInputTensorIds(x: tf.Tensor[]): number[] }).getInputTensorIds([x]);
      const attributes = [{ name: "T", type: binding().TF_ATTR_TYPE, value: binding().TF_FLOAT }];
      const broken = () =>
        (tf.backend() as unknown as { createOutputTensor(output: unknown): tf.Tensor }).createOutputTensor(
          // Says two, gives three.
          executeOp("Square", attributes, [id], 1, [[2]])[0],
        );
      if (!binding().awaitTensors) return;
      const gradient = tf.mul(broken(), 2);
      expect(() => gradient.dataSync()).toThrow("The result of Square has another shape or type than was promised");
      // Operations without known shapes run at once.
      expect(() => tf.slice(broken(), [0], [1])).toThrow("another shape");
      expect(() => adam.applyGradients({ [weights.name]: tf.neg(broken()) })).toThrow("another shape");
    });
    expect(tf.memory().numTensors).toBe(start);
    expect([...weights.dataSync()].every((value) => Math.abs(value) < 1e-3)).toBe(true);
    expect(adam.getState()).toEqual(before);
    // And it goes on.
    tf.tidy(() => adam.applyGradients({ [weights.name]: tf.ones([2]) }));
    expect(weights.dataSync()[0]).toBeCloseTo(-1, 3);
    adam.dispose();
    weights.dispose();
  });

  /** A scalar that fails, with a queue when it is read. */
  const failing = () => {
    const x = tf.tensor1d([1, 2, 3]);
    const [id] = (tf.backend() as unknown as { getInputTensorIds(x: tf.Tensor[]): number[] }).getInputTensorIds([x]);
    if (!binding().awaitTensors) throw new Error("The result of Square has another shape");
    const attributes = [{ name: "T", type: binding().TF_ATTR_TYPE, value: binding().TF_FLOAT }];
    return (tf.backend() as unknown as { createOutputTensor(output: unknown): tf.Tensor }).createOutputTensor(
      binding().executeOp("Square", attributes, [id], 1, [[]])[0],
    );
  };

  it("loses no weight, no moment and no moving average in a step that fails", () => {
    const model = tfl.sequential({
      layers: [
        tfl.layers.conv2d({ inputShape: [8, 8, 3], filters: 4, kernelSize: 3, useBias: false }),
        tfl.layers.batchNormalization(),
        tfl.layers.reLU(),
        tfl.layers.globalAveragePooling2d({}),
        tfl.layers.dense({ units: 2 }),
      ],
    });
    const fused = optimizeForTraining(model);
    const adam = new FusedAdam({ learningRate: 0.1 });
    const x = tf.randomUniform([4, 8, 8, 3], 0, 1, "float32", 1);
    const step = (extra: () => tf.Tensor) =>
      tf.tidy(() => {
        const { value, grads } = tf.variableGrads(
          () => tf.mean(tf.square(fused.apply(tf.add(x, extra()), { training: true }) as tf.Tensor)) as tf.Scalar,
        );
        adam.applyGradients(grads);
        return value.dataSync()[0]!;
      });
    const state = () => model.getWeights().map((weight) => [...weight.dataSync()]);
    step(() => tf.zeros([]));
    const [before, moments] = [state(), adam.getState()];
    const start = tf.memory().numTensors;
    expect(() => step(failing)).toThrow("another shape");
    expect(tf.memory().numTensors).toBe(start);
    expect(state()).toEqual(before);
    expect(adam.getState()).toEqual(moments);
    expect(step(() => tf.zeros([]))).toBeGreaterThan(0);
    expect(state()).not.toEqual(before);
    adam.dispose();
    fused.dispose();
    model.dispose();
    x.dispose();
  });

  it("gives no number where a plain optimizer wrote what failed, until its weights are set anew", () => {
    const weights = tf.variable(tf.tensor1d([1, 2]));
    const other = tf.variable(tf.tensor1d([5]));
    const loss = (extra: () => tf.Tensor) => () =>
      tf.add(tf.mean(tf.mul(tf.square(weights), tf.add(extra(), 1))), tf.mean(tf.square(other))) as tf.Scalar;
    const zero = () => tf.zeros([]);
    // As a program does that reads nothing in between: the loss of the last step, then the weights.
    const descend = (extra: () => tf.Tensor) => {
      tf.tidy(() => {
        const { grads } = tf.variableGrads(loss(extra));
        optimizer.applyGradients(grads as never);
      });
    };
    let optimizer = tf.train.adam(0.1);
    descend(zero);
    const checkpoint = [weights, other].map((variable) => [...variable.dataSync()]);
    expect(() => {
      descend(failing);
      descend(zero);
      // Without a queue it was said above.
      tf.tidy(() => loss(zero)().dataSync());
    }).toThrow("another shape");
    if (binding().awaitTensors) expect(() => weights.dataSync()).toThrow("another shape");
    for (const value of other.dataSync()) expect(Number.isFinite(value)).toBe(true);
    // The recovery: the checkpoint's weights and a new optimizer.
    optimizer.dispose();
    optimizer = tf.train.adam(0.1);
    [weights, other].forEach((variable, i) => {
      tf.tidy(() => variable.assign(tf.tensor(checkpoint[i]!)));
    });
    descend(zero);
    expect(weights.dataSync()[0]).toBeCloseTo(checkpoint[0]![0]! - 0.1, 4);
    optimizer.dispose();
    tf.dispose([weights, other]);
  });

  it("tells whoever reads a variable that a write to it failed, however long ago", () => {
    const { awaitTensors } = binding();
    if (!awaitTensors) return;
    const { executeOp, TF_ATTR_SHAPE, TF_ATTR_TYPE, TF_FLOAT, tensorDataSync, deleteTensor } = binding();
    const type = (name: string) => ({ name, type: TF_ATTR_TYPE, value: TF_FLOAT });
    const shape = { name: "shape", type: TF_ATTR_SHAPE, value: [2] };
    const idsOf = (...tensors: tf.Tensor[]): number[] =>
      (tf.backend() as unknown as { getInputTensorIds(x: tf.Tensor[]): number[] }).getInputTensorIds(tensors);
    tf.tidy(() => {
      const [two, three] = idsOf(tf.ones([2]), tf.ones([3]));
      const variable = executeOp("VarHandleOp", [type("dtype"), shape], [], 1)[0]!.id;
      executeOp("AssignVariableOp", [type("dtype")], [variable, two], 0, []);
      const kept = executeOp("ReadVariableOp", [type("dtype")], [variable], 1, [[2]])[0]!.id;
      // Lets the reading end: what follows does not meet it in the queue.
      tensorDataSync(kept);
      const wrong = executeOp("Square", [type("T")], [three], 1, [[2]])[0]!.id;
      expect(() => tensorDataSync(wrong)).toThrow("another shape");
      executeOp("AssignVariableOp", [type("dtype")], [variable, wrong], 0, []);
      // Waits until the writing, too, is over.
      expect(() => awaitTensors([variable])).toThrow("another shape");
      const read = executeOp("ReadVariableOp", [type("dtype")], [variable], 1, [[2]])[0]!.id;
      expect(() => tensorDataSync(read)).toThrow("another shape");
      expect([...tensorDataSync(kept)]).toEqual([1, 1]);
      for (const id of [variable, kept, wrong, read]) deleteTensor(id);
    });
  });

  it("undo() restores tfjs-node's own kernels and methods", async () => {
    const before = tf.getKernel("Conv2DBackpropInput", "tensorflow");
    await kernels.undo();
    await kernels.undo();
    expect(tf.getKernel("Conv2DBackpropInput", "tensorflow")).not.toBe(before);
    expect(tf.getKernel("AcrTensorFlowNorm", "tensorflow")).toBeUndefined();
    expect(Object.hasOwn(tf.backend(), "executeSingleOutput")).toBe(false);
    kernels = await registerTrainingKernels();
  });
});

it("asMemoryFault(error) gives TensorFlow's complaint of too little memory a next step, and no other", () => {
  const oom = new Error("Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[512,112,112,96]");
  const fault = asMemoryFault(oom, true) as BackendError;
  expect(BackendError.isInstance(fault)).toBe(true);
  expect(fault.message).toMatch(/does not fit into the GPU's memory. Use a smaller batch .*shape\[512,112,112,96\]/);
  const other = new Error("Incompatible shapes");
  expect(asMemoryFault(other, false)).toBe(other);
});
