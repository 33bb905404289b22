import { BackendError } from "@acr/core";
import { webGpuEngine } from "@acr/testing";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import {
  createLandmarkModel,
  exportOnnx,
  fetchWeights,
  loadKerasWeights,
  saveKerasModel,
  saveKerasWeights,
} from "./index.js";

/** A model whose weights were last written by the backend, as after a training step. */
async function trained(backend: string) {
  await tf.setBackend(backend);
  await tf.ready();
  const model = createLandmarkModel({ backbone: "mobilenet_v2_035", imageSize: 32, landmarkCount: 29, seed: 1 });
  tf.tidy(() => {
    for (const weight of model.weights) (weight.read() as tf.Variable).assign(tf.add(weight.read(), 1));
  });
  return model;
}
/** Without the date of writing. */
const sizeOf = async (model: Parameters<typeof saveKerasModel>[0]) => (await saveKerasModel(model)).length;

// Its device keeps the process running.
afterAll(() => tf.removeBackend("webgpu"));

describe("writers on webgpu, where nothing can be read at once", () => {
  it("saveKerasWeights and saveKerasModel read by themselves; exportOnnx says how, and does after fetchWeights", async () => {
    const expected = await trained("cpu");
    const [onnx, size] = [exportOnnx(expected), await sizeOf(expected)];
    await webGpuEngine();
    const forOnnx = await trained("webgpu");
    expect(() => exportOnnx(forOnnx)).toThrow(BackendError);
    expect(() => exportOnnx(forOnnx)).toThrow("exportOnnx: the weights lie on webgpu");
    const before = tf.memory().numTensors;
    await fetchWeights(forOnnx);
    expect(tf.memory().numTensors).toBe(before);
    const sameBytes = (a: Uint8Array, b: Uint8Array) => Buffer.from(a).equals(Buffer.from(b));
    expect(sameBytes(exportOnnx(forOnnx), onnx)).toBe(true);
    forOnnx.dispose();
    const forWeights = await trained("webgpu");
    const bytes = await saveKerasWeights(forWeights);
    forWeights.dispose();
    const forModel = await trained("webgpu");
    expect(await sizeOf(forModel)).toBe(size);
    forModel.dispose();
    await tf.setBackend("cpu");
    const copy = createLandmarkModel({ backbone: "mobilenet_v2_035", imageSize: 32, landmarkCount: 29, seed: 2 });
    await loadKerasWeights(copy, bytes);
    for (const [i, weight] of copy.getWeights().entries())
      expect(weight.dataSync()).toEqual(expected.getWeights()[i]!.dataSync());
  });
});
