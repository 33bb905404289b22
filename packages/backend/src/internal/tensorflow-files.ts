/** CommonJS files that an installation consists of besides TensorFlow's and tfjs-node's own. */

/** tfjs-node's code asks for tfjs by name; it gets the tfjs-core of whoever loads it. */
export const TFJS_SHIM = `module.exports = globalThis[Symbol.for("acr.tfjs-core")];\n`;

/** tfjs-node reads SavedModels by protocol buffers, which are not used here. */
export const PROTOBUF_SHIM = `"use strict";\n`;

/** Node 23 took these away, and Node 22 warns of them. */
const POLYFILLS = `const util = require("node:util");
util.isNullOrUndefined = (value) => value === null || value === undefined;
util.isArray = Array.isArray;
`;

/** `require("…/engine.cjs")(tf)` registers the backend "tensorflow" with that tfjs-core and says what it is. */
export const ENGINE = `"use strict";
const { existsSync, readFileSync, realpathSync } = require("node:fs");
const { join, sep } = require("node:path");
${POLYFILLS}
const loadedFiles = () => {
  if (existsSync("/proc/self/maps"))
    return readFileSync("/proc/self/maps", "utf8").split("\\n").map((line) => line.slice(line.indexOf("/")));
  return process.report.getReport().sharedObjects;
};
const home = realpathSync(__dirname) + sep;
module.exports = (core) => {
  const other = loadedFiles().find((file) => /libtensorflow(_cc|_framework)?\\./.test(file) && !file.startsWith(home));
  if (other)
    throw new Error("another TensorFlow is loaded already (" + other + ") and a process can hold only one. Start a new process and import only one of them.");
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  // Else TensorFlow takes the whole GPU at once.
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= "true";
  // tfjs-node's kernels use these methods, which tfjs-core alone does not have.
  const { prototype } = core.Tensor;
  prototype.toFloat ??= function () { return core.cast(this, "float32"); };
  prototype.toInt ??= function () { return core.cast(this, "int32"); };
  prototype.add ??= function (other) { return core.add(this, other); };
  prototype.sub ??= function (other) { return core.sub(this, other); };
  prototype.mul ??= function (other) { return core.mul(this, other); };
  globalThis[Symbol.for("acr.tfjs-core")] = core;
  const folder = join(__dirname, "node_modules", "@tensorflow", "tfjs-node");
  const binding = require(join(folder, "lib", "tfjs_binding.node"));
  const { NodeJSKernelBackend } = require(join(folder, "dist", "nodejs_kernel_backend.js"));
  require(join(folder, "dist", "register_all_kernels.js"));
  const { cuda } = JSON.parse(readFileSync(join(__dirname, "install.json"), "utf8"));
  const name = cuda ? "@tensorflow/tfjs-node-gpu" : "@tensorflow/tfjs-node";
  core.registerBackend("tensorflow", () => new NodeJSKernelBackend(binding, name), 3);
};
`;

/**
 * \`node check.cjs LOADER TFJS-CORE TFJS-LAYERS\` trains a step and prints JSON. LOADER: engine.cjs, or tfjs-node itself.
 */
export const CHECK = `"use strict";
${POLYFILLS}
const [loader, corePath, layersPath] = process.argv.slice(2);
try {
  const tf = require(corePath);
  require(layersPath); // registers the gradients
  const exported = require(loader);
  if (typeof exported === "function") exported(tf);
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
  if (before !== 1 || !gradient.every((value, i) => Math.abs(value - 2 * (i + 1)) < 1e-4) || !(after < before))
    throw new Error("wrong numbers: loss " + before + " to " + after + ", gradient " + gradient.join(" "));
  console.log(JSON.stringify({ tensorflow: backend.binding.TF_Version, gpu: backend.isUsingGpuDevice === true }));
} catch (error) {
  console.error(error.message.split("\\n")[0]);
  process.exitCode = 1;
}
`;
