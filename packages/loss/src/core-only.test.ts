import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

// A process of its own with tfjs-core and a backend: other tests of this process load tfjs-layers, which registers gradients.
const root = fileURLToPath(new URL("../", `file://${__dirname}/`));
const PROGRAM = `
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { createLoss, listLosses, perGroup, poseBalanced, uncertaintyWeighted, weightedSum, withVisibility } from "./dist/index.js";

await tf.setBackend("cpu");
if (tf.getGradient("Sub") || tf.getGradient("Mul")) throw new Error("gradients are registered: the test proves nothing");
const losses = listLosses().map((name) => createLoss(name));
const scheme = { id: "two", landmarkCount: 2, groups: { a: [0] } };
losses.push(
  weightedSum([{ loss: losses[0] }, { loss: losses[1], weight: 2 }]),
  perGroup(losses[0], scheme, { a: 2 }),
  withVisibility(losses[0]),
  poseBalanced(losses[0], { edges: [0], weights: [1, 2] }),
  uncertaintyWeighted([losses[0], losses[1]]),
);
const batch = {
  difficulty: tf.fill([1, 2], 0.5), weights: tf.ones([1, 2]), visibility: tf.tensor2d([[1, 0]]), pose: tf.tensor1d([1]),
};
const optimizer = tf.train.sgd(0.01);
for (const loss of losses) {
  for (const shape of [[1, 2, 2], [1, 4]]) {
    const p = tf.variable(tf.fill(shape, 3));
    const before = loss(p, tf.zeros([1, 2, 2]), batch).dataSync()[0];
    for (let i = 0; i < 5; i++) optimizer.minimize(() => loss(p, tf.zeros([1, 2, 2]), batch), false, [p]);
    const after = loss(p, tf.zeros([1, 2, 2]), batch).dataSync()[0];
    if (!(after < before)) throw new Error(loss.lossName + " did not fall: " + before + " to " + after);
    console.log(loss.lossName);
  }
}
`;

it("all losses and compositions train, flat and paired, beside tfjs-core and one backend", () => {
  expect(existsSync(`${root}dist/index.js`)).toBe(true);
  const printed = execFileSync(process.execPath, ["--input-type=module", "-e", PROGRAM], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  expect(
    printed
      .trim()
      .split("\n")
      .filter((line) => /^\w+$/.test(line)),
  ).toHaveLength(30);
});

it("createLoss checks the values of options without any backend", () => {
  const program = `
import { createLoss } from "./dist/index.js";
createLoss("wing", { width: 3 });
try { createLoss("acr", { lambda: 0 }); } catch (error) { console.log(error.code, error.message); }`;
  const printed = execFileSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: root,
    encoding: "utf8",
  });
  expect(printed).toContain("ACR_INVALID_ARGUMENT acrLoss: lambda must be a finite number > 0; got 0.");
});
