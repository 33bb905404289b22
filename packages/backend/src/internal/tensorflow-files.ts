/** CommonJS files that an installation consists of besides TensorFlow's and tfjs-node's own. */

/** tfjs-node's code asks for the union package; it gets the tfjs-core of whoever loads it. */
export const TFJS_SHIM = `module.exports = globalThis[Symbol.for("acr.tfjs-core")];\n`;

/** tfjs-node reads SavedModels by protocol buffers, which are not used here. */
export const PROTOBUF_SHIM = `"use strict";\n`;

/** Node 23 took these away. */
const POLYFILLS = `const util = require("node:util");
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
util.isArray ??= Array.isArray;
`;

/** `require("…/engine.cjs")(tf)` registers the backend "tensorflow" with that tfjs-core and says what it is. */
export const ENGINE = `"use strict";
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
${POLYFILLS}
const loaded = () => {
  if (process.platform === "linux") return readFileSync("/proc/self/maps", "utf8").split("\\n").map((line) => line.slice(line.indexOf("/")));
  return process.report.getReport().sharedObjects;
};
module.exports = (core) => {
  const stranger = loaded().find((file) => /libtensorflow(_cc|_framework)?\\./.test(file) && !file.startsWith(__dirname));
  if (stranger) throw new Error("another TensorFlow is loaded already (" + stranger + "), and one process holds only one. Import either it or this one; end this process and start again.");
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  // Else TensorFlow takes the whole GPU at once.
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= "true";
  globalThis[Symbol.for("acr.tfjs-core")] = core;
  const folder = join(__dirname, "node_modules", "@tensorflow", "tfjs-node");
  const binding = require(join(folder, "lib", "tfjs_binding.node"));
  const { NodeJSKernelBackend } = require(join(folder, "dist", "nodejs_kernel_backend.js"));
  require(join(folder, "dist", "register_all_kernels.js"));
  const manifest = JSON.parse(readFileSync(join(__dirname, "install.json"), "utf8"));
  core.registerBackend("tensorflow", () => new NodeJSKernelBackend(binding, manifest.cuda ? "@tensorflow/tfjs-node-gpu" : "@tensorflow/tfjs-node"), 3);
  return { tensorflow: binding.TF_Version, gpu: binding.isUsingGpuDevice() };
};
`;

/** \`node check.cjs LOADER TFJS-CORE TFJS-LAYERS\`: trains a step and prints JSON. LOADER: engine.cjs, or tfjs-node itself. */
export const CHECK = `"use strict";
${POLYFILLS}
const [loader, corePath, layersPath] = process.argv.slice(2);
const tf = require(corePath);
require(layersPath); // registers the gradients
const exported = require(loader);
const engine = typeof exported === "function" ? exported(tf) : undefined;
tf.setBackend("tensorflow");
const backend = tf.backend();
const x = tf.tensor([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
const filter = tf.variable(tf.ones([3, 3, 1, 1]));
const loss = () => tf.square(tf.sub(tf.sum(tf.conv2d(x, filter, 1, "valid")), 44));
const before = loss().dataSync()[0];
const { grads } = tf.variableGrads(loss);
const gradient = grads[filter.name].dataSync();
tf.train.sgd(1e-4).applyGradients(grads);
const after = loss().dataSync()[0];
// (45 - 44)^2 = 1, and its gradient is 2 (45 - 44) x.
if (before !== 1 || !gradient.every((value, i) => Math.abs(value - 2 * (i + 1)) < 1e-4) || !(after < before)) {
  throw new Error("a training step gave wrong numbers: loss " + before + " to " + after + ", gradient " + gradient.join(" "));
}
console.log(JSON.stringify({ tensorflow: engine?.tensorflow ?? backend.binding.TF_Version, gpu: backend.isUsingGpuDevice === true }));
`;
