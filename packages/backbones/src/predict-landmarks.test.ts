import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { InvalidArgumentError, ShapeError } from "@acr/core";
import { expectNoTensorLeak } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import { type LayersModel, layers, sequential } from "@tensorflow/tfjs-layers";
import { createLandmarkModel, type HeadName, predictLandmarks } from "./index.js";

const create = (head: HeadName) =>
  createLandmarkModel({ backbone: "mobilenet_v2_035", landmarkCount: 2, imageSize: 64, head, seed: 1 });
/** Replaces kernel and bias of a layer, so that its output does not depend on the picture. */
function setConstant(model: LayersModel, layer: string, bias: number[]) {
  tf.tidy(() => {
    const [kernel] = model.getLayer(layer).getWeights();
    model.getLayer(layer).setWeights([tf.zerosLike(kernel!), tf.tensor1d(bias)]);
  });
}
const images = () => tf.randomUniform<tf.Rank.R4>([2, 64, 64, 3], 0, 255, "float32", 4);

beforeAll(() => tf.setBackend("wasm"));

describe("predictLandmarks(model, images)", () => {
  test.each(["integral", "simcc", "pip"] as const)(
    "%s: landmarks as predict gives them, confidence in [0, 1]",
    (head) => {
      const model = create(head);
      tf.tidy(() => {
        const x = images();
        const { landmarks, confidence } = predictLandmarks(model, x);
        expect(landmarks.arraySync()).toEqual((model.predict(x) as tf.Tensor).arraySync());
        expect(confidence!.shape).toEqual([2, 2]);
        for (const value of confidence!.dataSync()) {
          expect(value).toBeGreaterThan(0);
          expect(value).toBeLessThanOrEqual(1);
        }
      });
      model.dispose();
    },
  );

  test("integral: a flat map says the centre of the crop, and that nothing is known", () => {
    const model = create("integral");
    setConstant(model, "head_heatmap_logits", [0, 0]);
    tf.tidy(() => {
      const { landmarks, confidence } = predictLandmarks(model, images());
      for (const value of landmarks.dataSync()) expect(value).toBeCloseTo(0, 6);
      for (const value of confidence!.dataSync()) expect(value).toBeCloseTo(9 / 256, 6);
    });
    model.dispose();
  });

  test("simcc: a sharp peak says where its bin lies, and that it is sure", () => {
    const model = create("simcc");
    const bins = Math.round(64 * 2 * 1.2);
    const peak = (at: number) => Array.from({ length: bins }, (_, i) => (i === at ? 40 : 0));
    setConstant(model, "head_x_logits", peak(30));
    setConstant(model, "head_y_logits", peak(bins - 1));
    tf.tidy(() => {
      const { landmarks, confidence } = predictLandmarks(model, images());
      const [x, y] = landmarks.dataSync();
      expect(x).toBeCloseTo(1.2 * (30.5 / bins - 0.5), 5);
      expect(y).toBeCloseTo(1.2 * ((bins - 0.5) / bins - 0.5), 5);
      expect(Array.from(confidence!.dataSync())).toEqual([1, 1, 1, 1]);
    });
    model.dispose();
  });

  test("pip: flat scores average the votes of all cells", () => {
    const model = create("pip");
    setConstant(model, "head_score_logits", [0, 0]);
    // Offsets in cells of a 4 × 4 grid; cells' centres average to 0.
    setConstant(model, "head_offset_x", [0.5, -1]);
    setConstant(model, "head_offset_y", [0, 2]);
    tf.tidy(() => {
      const { landmarks, confidence } = predictLandmarks(model, images());
      const expected = [0.125, 0, -0.25, 0.5];
      for (const [i, value] of landmarks.dataSync().entries()) expect(value).toBeCloseTo(expected[i % 4]!, 6);
      for (const value of confidence!.dataSync()) expect(value).toBeCloseTo(9 / 16, 6);
    });
    model.dispose();
  });

  test("gap has no confidence", () => {
    const model = create("gap");
    const { landmarks, confidence } = predictLandmarks(model, tf.tidy(images));
    expect(landmarks.shape).toEqual([2, 2, 2]);
    expect(confidence).toBeUndefined();
    landmarks.dispose();
    model.dispose();
  });

  test("leaves no tensor behind but its result", async () => {
    const model = create("pip");
    const x = images();
    await expectNoTensorLeak(() => {
      const { landmarks, confidence } = predictLandmarks(model, x);
      tf.dispose([landmarks, confidence!]);
    });
    x.dispose();
    model.dispose();
  });

  test.each([[[2, 32, 64, 3]], [[64, 64, 3]], [[2, 64, 64, 1]]])("refuses images %j", (shape) => {
    const model = create("gap");
    const x = tf.zeros(shape);
    const run = () => predictLandmarks(model, x as tf.Tensor4D);
    expect(run).toThrow(ShapeError);
    expect(run).toThrow(`predictLandmarks: images must be [B, 64, 64, 3]; got [${shape.join(", ")}].`);
    tf.dispose(x);
    model.dispose();
  });

  test("refuses a model that predicts no landmarks", () => {
    const model = sequential({ layers: [layers.dense({ inputShape: [3], units: 2 })] });
    const x = images();
    expect(() => predictLandmarks(model, x)).toThrow(InvalidArgumentError);
    expect(() => predictLandmarks(model, x)).toThrow("model must be a LayersModel with one output [B, K, 2]");
    x.dispose();
    model.dispose();
  });
});
