import "@tensorflow/tfjs-backend-cpu";
import { fileURLToPath } from "node:url";
import { BackendError } from "@acr/core";
import { expectNoTensorLeak, findChromium, runPage, tolerance, webGpuEngine } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { layers, sequential } from "@tensorflow/tfjs-layers";
import { build } from "esbuild";
import { FusedAdam } from "../fused-adam.js";
import { optimizeForTraining } from "../optimize-for-training.js";
import { registerTrainingKernels, type TrainingKernels } from "../register-training-kernels.js";
import { distances, KERNEL_CASES, runKernelCases } from "./__fixtures__/kernel-cases.js";
import { registerWebGpuKernels } from "./register-webgpu-kernels.js";

const tooFar = (actual: number[][][], expected: number[][][]) =>
  distances(actual, expected).filter(({ distance }) => !(distance <= tolerance.float32));

/** Runs all cases in Chromium and posts their values. */
const PAGE = `
import "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { registerTrainingKernels } from "../register-training-kernels.ts";
import { runKernelCases } from "./__fixtures__/kernel-cases.ts";
const post = (found) => fetch("/", { method: "POST", body: JSON.stringify(found) });
try {
  if (!(await tf.setBackend("webgpu"))) throw new Error("webgpu does not start");
  const { variant } = await registerTrainingKernels();
  await post({ variant, values: await runKernelCases() });
} catch (error) {
  await post({ error: String(error?.stack ?? error) });
}
`;

describe("registerTrainingKernels() on webgpu", () => {
  let kernels: TrainingKernels;
  let expected: number[][][];
  beforeAll(async () => {
    await webGpuEngine();
    await tf.setBackend("cpu");
    expected = await runKernelCases();
    await tf.setBackend("webgpu");
    kernels = await registerTrainingKernels();
  });
  afterAll(async () => {
    await kernels.undo();
    tf.removeBackend("webgpu");
  });
  beforeEach(() => tf.setBackend("webgpu"));

  it("says what it started, and returns the same when called twice", async () => {
    expect(kernels.variant).toBe("webgpu");
    expect(kernels.failure).toBeUndefined();
    expect(await registerTrainingKernels()).toBe(kernels);
    expect(registerWebGpuKernels()).toBe(kernels);
  });

  it("has the values and gradients of cpu in Node", async () => {
    const actual = await runKernelCases();
    expect(actual).toHaveLength(KERNEL_CASES.length);
    expect(tooFar(actual, expected)).toEqual([]);
  });

  it("has the values and gradients of cpu in Chromium", async () => {
    const browser = findChromium();
    if (!browser) {
      console.warn("No Chromium (the Debian package chromium): its WebGPU is not tested.");
      return;
    }
    const { outputFiles } = await build({
      stdin: { contents: PAGE, resolveDir: fileURLToPath(new URL(".", import.meta.url)), loader: "ts" },
      bundle: true,
      write: false,
      format: "esm",
      platform: "browser",
      logLevel: "error",
    });
    const found = (await runPage(browser, (path) => (path === "/bundle.js" ? outputFiles[0]!.text : undefined), {
      flags: ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
      timeoutMs: 240_000,
    })) as { variant: string; values: number[][][]; error?: string };
    expect(found.error).toBeUndefined();
    expect(found.variant).toBe("webgpu");
    expect(tooFar(found.values, expected)).toEqual([]);
  });

  it("takes gradients of convolutions whose sides were rounded up, or says that one is missing", async () => {
    // cpu takes the sides rounded down and so is no reference: a convolution is linear in each argument, and its gradient
    // the adjoint map.
    const inner = (a: tf.Tensor, b: tf.Tensor) => tf.sum(tf.mul(a, b)).data();
    const x = tf.randomUniform<tf.Rank.R4>([2, 7, 6, 5], -1, 1, "float32", 1);
    const direction = tf.randomUniform<tf.Rank.R4>(x.shape, -1, 1, "float32", 2);
    const expectAdjoint = async (side: tf.Tensor, mapped: tf.Tensor, dy: tf.Tensor, gradient: tf.Tensor) => {
      const [[actual], [wanted]] = await Promise.all([inner(gradient, side), inner(mapped, dy)]);
      expect(wanted).not.toBe(0);
      expect(Math.abs(actual! / wanted! - 1)).toBeLessThan(tolerance.float32);
    };
    for (const [filterShape, convolve] of [
      [[1, 1, 5, 4], tf.conv2d],
      [[3, 2, 5, 2], tf.depthwiseConv2d],
    ] as const) {
      const run = (x: tf.Tensor, w: tf.Tensor) =>
        convolve(x as tf.Tensor4D, w as tf.Tensor4D, 2, 0, "NHWC", 1, "ceil") as tf.Tensor;
      const [w, other] = [3, 4].map((seed) => tf.randomUniform([...filterShape], -1, 1, "float32", seed));
      const y = run(x, w!);
      const dy = tf.randomUniform(y.shape, -1, 1, "float32", 5);
      await expectAdjoint(other!, run(x, other!), dy, tf.grad((w) => run(x, w))(w!, dy));
      const ofInput = () => tf.grad((x) => run(x, w!))(x, dy);
      if (convolve === tf.conv2d) expect(ofInput).toThrow(/^Conv2DBackpropInput: .*missing on webgpu.*use wasm/);
      else await expectAdjoint(direction, run(direction, w!), dy, ofInput());
    }
  });

  it("trains a net through optimizeForTraining as cpu does, without a read that waits and without a leak", async () => {
    const curve = async () => {
      const model = sequential({
        layers: [
          layers.conv2d({
            filters: 6,
            kernelSize: 3,
            strides: 2,
            useBias: false,
            inputShape: [9, 9, 3],
            kernelInitializer: "glorotUniform",
          }),
          layers.batchNormalization(),
          layers.activation({ activation: "swish" as never }),
          layers.globalAveragePooling2d({}),
          layers.dense({ units: 4 }),
        ],
      });
      const shapes = model.getWeights().map(({ shape }) => shape);
      const start = shapes.map((shape, i) => tf.randomUniform(shape, i > 0 && i < 5 ? 0.5 : -0.5, 1, "float32", i));
      model.setWeights(start);
      tf.dispose(start);
      const fast = optimizeForTraining(model);
      const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
      const adam = new FusedAdam({ learningRate: 0.01, clipNorm: 1 });
      const losses: number[] = [];
      const step = async () => {
        const { value, grads } = tf.variableGrads(() => {
          const x = tf.randomUniform([4, 9, 9, 3], -1, 1, "float32", 7);
          const y = fast.apply(x, { training: true }) as tf.Tensor;
          return tf.mean(tf.square(tf.sub(y, 1))) as tf.Scalar;
        }, variables);
        adam.applyGradients(grads);
        tf.dispose(grads);
        losses.push((await value.data())[0]!);
        value.dispose();
      };
      for (let i = 0; i < 6; i++) await step();
      await expectNoTensorLeak(step);
      const moving = await Promise.all(
        model.nonTrainableWeights.map(async (weight) => [...(await weight.read().data())]),
      );
      adam.dispose();
      model.dispose();
      return { losses, moving };
    };
    const actual = await curve();
    await tf.setBackend("cpu");
    const wanted = await curve();
    expect(wanted.losses.at(-1)!).toBeLessThan(0.9 * wanted.losses[0]!);
    wanted.losses.forEach((loss, i) => expect(Math.abs(actual.losses[i]! / loss - 1)).toBeLessThan(tolerance.float32));
    wanted.moving.flat().forEach((value, i) => expect(actual.moving.flat()[i]).toBeCloseTo(value, 4));
  });

  it("keeps Adam's state through readState and setState, also when the moments were read before a step", async () => {
    const curve = async (isInterrupted: boolean) => {
      const weights = tf.tidy(() => tf.variable(tf.linspace(-3, 5, 23)));
      let adam = new FusedAdam({ learningRate: 0.1 });
      for (let i = 0; i < 4; i++) {
        if (isInterrupted) {
          const state = await adam.readState();
          if (i === 2) {
            adam.dispose();
            adam = new FusedAdam({ learningRate: 0.1 });
            adam.setState(state);
          }
        }
        tf.tidy(() => adam.applyGradients({ [weights.name]: tf.sub(weights, tf.range(0, weights.size)) }));
      }
      const values = [...(await weights.data())];
      adam.dispose();
      weights.dispose();
      return values;
    };
    expect(await curve(true)).toEqual(await curve(false));
  });

  it("undo() restores tfjs' own kernels and methods", async () => {
    const before = tf.getKernel("Conv2DBackpropFilter", "webgpu");
    await kernels.undo();
    await kernels.undo();
    expect(tf.getKernel("Conv2DBackpropFilter", "webgpu")).not.toBe(before);
    expect(tf.getKernel("AcrWebGpuNorm", "webgpu")).toBeUndefined();
    expect(Object.hasOwn(tf.backend(), "read")).toBe(false);
    kernels = await registerTrainingKernels();
  });

  it("says that the device is lost in a read and in the next step, and cpu goes on", async () => {
    // Large enough that tfjs does not compute it on the CPU.
    const x = tf.ones([64, 64]);
    const y = tf.add(x, 1);
    await y.data();
    const z = tf.add(y, 1);
    (tf.backend() as unknown as { device: { destroy(): void } }).device.destroy();
    const failed = await z.data().catch((error: unknown) => error);
    expect(BackendError.isInstance(failed)).toBe(true);
    expect((failed as Error).message).toMatch(
      /^webgpu: the graphics device was lost \(destroyed.*checkpoint is not.*resume/,
    );
    expect(kernels.failure).toMatch(/was lost/);
    expect(() => tf.add(y, 1)).toThrow(/^webgpu: the graphics device was lost/);
    await tf.setBackend("cpu");
    expect([...(await tf.add(tf.ones([2]), 1).data())]).toEqual([2, 2]);
  });
});
