import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { readdirSync, readFileSync } from "node:fs";
import { expectNoTensorLeak, goldenFolder, tolerance } from "@acr/testing";
import * as tf from "@tensorflow/tfjs-core";
import * as losses from "./index.js";

const lossesByName = { ...losses };

interface GoldenLoss {
  name: keyof typeof lossesByName;
  options: Record<string, unknown>;
  difficultyPerPoint?: boolean;
  perElement: number[][][];
  mean: number;
  sum: number;
  gradientOfMean: number[][][];
  weighted?: Omit<GoldenLoss, "name" | "options" | "weighted">;
}
interface GoldenBatch {
  predictions: number[][][];
  targets: number[][][];
  difficulty: number[][][];
  difficultyPerPoint: number[][];
  weights: number[][];
  losses: GoldenLoss[];
}

const folder = goldenFolder("loss");
const files = folder ? readdirSync(folder).filter((file) => file.endsWith(".json")) : [];
type LossFunction = (p: tf.Tensor, t: tf.Tensor, options: object) => tf.Tensor;

function expectClose(actual: ArrayLike<number>, expected: readonly number[], what: string): void {
  const largest = Math.max(...expected.map(Math.abs));
  for (let i = 0; i < expected.length; i++) {
    const allowed = tolerance.float32 * Math.max(Math.abs(expected[i]!), largest * 1e-3);
    if (!(Math.abs(actual[i]! - expected[i]!) <= allowed))
      throw new Error(`${what}[${i}]: got ${actual[i]}, expected ${expected[i]}`);
  }
}

(folder ? describe : describe.skip).each(["cpu", "wasm"])("losses against PyTorch on %s", (backend) => {
  beforeAll(() => tf.setBackend(backend));

  it.each(files)("reproduces values and gradients of %s", async (file) => {
    const batch = JSON.parse(readFileSync(`${folder}/${file}`, "utf8")) as GoldenBatch;
    await expectNoTensorLeak(() =>
      tf.tidy(() => {
        const predictions = tf.tensor3d(batch.predictions);
        const targets = tf.tensor3d(batch.targets);
        for (const golden of batch.losses) {
          const loss = lossesByName[golden.name] as LossFunction;
          const difficulty = golden.difficultyPerPoint
            ? tf.tensor2d(batch.difficultyPerPoint)
            : tf.tensor3d(batch.difficulty);
          for (const [expected, weights] of [
            [golden as Omit<GoldenLoss, "weighted"> | undefined, undefined],
            [golden.weighted, tf.tensor2d(batch.weights)],
          ] as const) {
            if (!expected) continue;
            const options = {
              ...golden.options,
              ...(golden.name === "acrLoss" && { difficulty }),
              ...(weights && { weights }),
            };
            const what = `${golden.name} ${JSON.stringify(golden.options)}${weights ? " weighted" : ""}`;
            const elements = loss(predictions, targets, { ...options, reduction: "none" });
            expect(elements.shape).toEqual(predictions.shape);
            expectClose(elements.dataSync(), expected.perElement.flat(2), `${what} perElement`);
            expectClose(
              loss(predictions, targets, { ...options, reduction: "sum" }).dataSync(),
              [expected.sum],
              `${what} sum`,
            );
            const { value, grad } = tf.valueAndGrad((p) => loss(p, targets, options) as tf.Scalar)(predictions);
            expectClose(value.dataSync(), [expected.mean], `${what} mean`);
            expectClose(grad.dataSync(), expected.gradientOfMean.flat(2), `${what} gradientOfMean`);
          }
        }
      }),
    );
  });
});
