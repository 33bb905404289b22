import { fileURLToPath } from "node:url";
import { childProcesses } from "@acr/testing";

const root = fileURLToPath(new URL("../", `file://${__dirname}/`));

/** Trains; the last worker that was started is one of the kernels' threads: it ends before or in the middle of a step. */
const program = (isAwaited: boolean) => `
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { optimizeForTraining } from "@acr/kernels";
import { setupBackend } from "./dist/index.js";

const workers = [];
process.on("worker", (worker) => workers.push(worker));
const started = await setupBackend({ prefer: ["wasm"], threads: 2 });
const kernelInitializer = tfl.initializers.glorotUniform({ seed: 1 });
const model = tfl.sequential({ layers: [
  tfl.layers.conv2d({ inputShape: [32, 32, 3], filters: 16, kernelSize: 3, padding: "same", useBias: false, kernelInitializer }),
  tfl.layers.batchNormalization(),
  tfl.layers.reLU(),
  tfl.layers.globalAveragePooling2d({}),
] });
const optimizer = tf.train.sgd(0);
const step = (net) => tf.tidy(() => {
  const x = tf.randomUniform([4, 32, 32, 3], -1, 1, "float32", 2);
  const loss = () => tf.mean(tf.square(net.apply(x, { training: true })));
  return optimizer.minimize(loss, true).dataSync()[0];
});
const fused = optimizeForTraining(model);
const before = step(fused);
const ended = workers.at(-1).terminate();
if (${isAwaited}) await ended;
let error;
try {
  for (let i = 0; i < 1e5; i++) step(fused);
} catch ({ name, message }) {
  error = { name, message };
}
const again = await setupBackend({ prefer: ["wasm"], threads: 2 });
const after = step(optimizeForTraining(model));
const { name } = await setupBackend({ prefer: ["cpu"] });
console.log(JSON.stringify({ before, error, threads: [started.threads, again.threads], after, name, cpu: step(model) }));
`;
const { runNode } = childProcesses();

it.each([
  ["between two steps", true],
  ["in the middle of a step", false],
])(
  "a thread that dies %s is a BackendError, and setupBackend starts again and changes to cpu",
  async (_, isAwaited) => {
    const { code, out, err } = await runNode(["--input-type=module", "-e", program(isAwaited)], { cwd: root });
    expect([code, err.includes("Aborted")]).toEqual([0, false]);
    const { before, error, threads, after, name, cpu } = JSON.parse(out.trim().split("\n").at(-1)!);
    expect(error.name).toBe("BackendError");
    expect(error.message).toMatch(/^ThreadPool: a worker died \(.*\)\. Call setupBackend again\.$/);
    expect({ threads, name }).toEqual({ threads: [2, 2], name: "cpu" });
    expect(after).toBe(before);
    expect(cpu).toBeCloseTo(before, 5);
  },
);
