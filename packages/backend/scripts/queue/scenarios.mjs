/**
 * What programs do to the queue of the installed TensorFlow, one scenario a process: `node scenarios.mjs NAME` ends with 0 where it
 * goes well. check-queue.mjs runs them all, and again with a binding that is watched by AddressSanitizer.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { setupBackend } from "@acr/backend";
import { FusedAdam } from "@acr/kernels";
import * as tf from "@tensorflow/tfjs-core";

const start = () => setupBackend({ prefer: ["tensorflow"], threads: 2 });
const fileOf = new URL(import.meta.url);

function expect(isMet, promise) {
  if (!isMet) throw new Error(promise);
}

/** A chain of convolutions that takes a while; its values are 1. */
const slowOnes = (count) =>
  tf.tidy(() => {
    let x = tf.ones([1, 128, 128, 16]);
    for (let i = 0; i < count; i++) x = tf.conv2d(x, tf.fill([1, 1, 16, 16], 1 / 16), 1, "same");
    return x;
  });

/** Fits a filter; returns the losses. */
function train(steps) {
  const filter = tf.variable(tf.randomUniform([3, 3, 3, 8], -1, 1, "float32", 1));
  const scale = tf.variable(tf.ones([8]));
  const adam = new FusedAdam({ learningRate: 0.05 });
  const losses = [];
  for (let i = 0; i < steps; i++) {
    tf.tidy(() => {
      const x = tf.randomUniform([4, 32, 32, 3], 0, 1, "float32", 7);
      const { value, grads } = tf.variableGrads(() =>
        tf.mean(tf.square(tf.sub(tf.mul(tf.relu(tf.conv2d(x, filter, 2, "same")), scale), 1))),
      );
      adam.applyGradients(grads);
      losses.push(value.dataSync()[0]);
    });
  }
  adam.dispose();
  tf.dispose([filter, scale]);
  return losses;
}

/** A worker thread that does something; resolves with its losses, or when it has ended. */
function environment(what) {
  const worker = new Worker(fileOf, { workerData: what });
  return new Promise((resolve, reject) => {
    worker.on("error", reject);
    worker.on("message", (message) => (message === "busy" ? worker.terminate() : resolve(message)));
    worker.on("exit", () => resolve(undefined));
  });
}

const residentMb = () => Number(/VmRSS:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1024;

const scenarios = {
  async training() {
    await start();
    const losses = train(20);
    expect(losses.at(-1) < losses[0] / 2, `a filter learns: ${losses[0]} to ${losses.at(-1)}`);
    expect(
      train(20).every((loss, i) => loss === losses[i]),
      "the same again, to the last bit",
    );
  },
  async "exit with work in the queue"() {
    await start();
    for (let i = 0; i < 20; i++) slowOnes(20);
    process.exit(0);
  },
  async "end with work in the queue"() {
    await start();
    for (let i = 0; i < 20; i++) slowOnes(20);
  },
  async "release while it computes"() {
    await start();
    for (let i = 0; i < 200; i++) {
      const x = tf.tensor(new Float32Array(64 * 64 * 3).fill(i), [1, 64, 64, 3]);
      const y = tf.relu(tf.conv2d(x, tf.ones([3, 3, 3, 8]), 1, "same"));
      x.dispose();
      if (i % 20 === 0)
        expect(y.dataSync()[8 * 65 + 512] === 27 * i, "values of JavaScript's that it released already");
      y.dispose();
    }
  },
  async "several environments, some of which are terminated"() {
    await start();
    const expected = train(5);
    for (let round = 0; round < 3; round++) {
      const [first, , second, own] = await Promise.all([
        ...["train", "be terminated", "train"].map(environment),
        Promise.resolve(train(5)),
      ]);
      for (const losses of [first, second, own])
        expect(String(losses) === String(expected), `each environment learns alike; got ${losses}`);
    }
  },
  // The library may be unloaded with the last of them.
  async "environments of worker threads alone"() {
    const expected = await environment("train");
    for (let round = 0; round < 3; round++) {
      const [losses] = await Promise.all(["train", "be terminated"].map(environment));
      expect(losses.length === 5 && String(losses) === String(expected), `it learns alike; got ${losses}`);
    }
  },
  async "no threads for the queue"() {
    // Of a size that the address space will not hold once more.
    const stackBytes = 2 ** 30;
    if (!process.env.ACR_LARGE_STACKS) {
      const again = [`--stack=${stackBytes}`, process.execPath, ...process.argv.slice(1)];
      execFileSync("prlimit", again, { env: { ...process.env, ACR_LARGE_STACKS: "1" }, stdio: "inherit" });
      return;
    }
    await start();
    const read = (file, pattern) => Number(pattern.exec(readFileSync(file, "utf8"))[1]);
    const bytes = read("/proc/self/statm", /^(\d+)/) * 4096 + stackBytes / 2;
    execFileSync("prlimit", ["--pid", String(process.pid), `--as=${bytes}`]);
    const threads = () => read("/proc/self/status", /Threads:\s*(\d+)/);
    const before = threads();
    expect(slowOnes(20).dataSync()[0] === 1, "the values are right");
    expect(threads() === before, "JavaScript's thread computes by itself");
  },
  async "a step of impossible size"() {
    await start();
    const weights = tf.variable(tf.ones([3]));
    const adam = new FusedAdam({ learningRate: 0.1 });
    // Zero, but for its 4 TiB.
    const tooLarge = () => tf.mean(tf.mul(tf.zeros([2 ** 20, 1]), tf.zeros([1, 2 ** 20])));
    const step = (extra) =>
      tf.tidy(() => {
        const { grads } = tf.variableGrads(() => tf.mean(tf.square(tf.add(weights, extra()))));
        adam.applyGradients(grads);
      });
    let fault;
    try {
      step(tooLarge);
    } catch (error) {
      fault = error;
    }
    expect(/does not fit into memory. Use a smaller batch/.test(fault?.message), `it is said; got ${fault?.message}`);
    expect(weights.dataSync().join() === "1,1,1", "the weights stay");
    step(() => tf.zeros([]));
    expect(Math.abs(weights.dataSync()[0] - 0.9) < 1e-4, "it goes on");
  },
  async "uploads that nobody reads"() {
    await start();
    const filter = tf.variable(tf.fill([3, 3, 3, 32], 0.1));
    const pixels = new Float32Array(4 * 512 * 512 * 3);
    const upload = () =>
      tf.tidy(() => tf.conv2d(tf.tensor(pixels.slice(), [4, 512, 512, 3]), filter, 1, "same")).dispose();
    for (let i = 0; i < 10; i++) upload();
    filter.dataSync();
    const before = residentMb();
    let most = 0;
    // 12.6 MB each: 12.6 GB if they were kept.
    for (let i = 0; i < 1000; i++) {
      upload();
      most = Math.max(most, residentMb() - before);
    }
    console.log(`the resident set grew by ${most.toFixed(0)} MB at most`);
    expect(most < 1600, "values that wait stay within the queue's gibibyte, and what is collected late");
  },
};

if (isMainThread) {
  const [name] = process.argv.slice(2);
  if (name === "--list") console.log(Object.keys(scenarios).join("\n"));
  else await scenarios[name]();
} else {
  await start();
  if (workerData === "train") parentPort.postMessage(train(5));
  else {
    for (let i = 0; i < 20; i++) slowOnes(20);
    parentPort.postMessage("busy");
    for (;;) slowOnes(20).dispose();
  }
}
