// A step of this project's for rounds.mjs: MODEL BATCH THREADS MODE SIZE BACKEND [FOLDER]; FOLDER is another built checkout.
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { serve } from "./serve.mjs";

const [backbone, batchText, threads, mode, sizeText, backend, folder] = process.argv.slice(2);
const batch = Number(batchText);
const size = Number(sizeText);
const require = createRequire(`${folder || fileURLToPath(new URL("../../../", import.meta.url))}/package.json`);
const load = (name) => import(pathToFileURL(require.resolve(name)).href).then((module) => module.default ?? module);
const [{ createLandmarkModel }, { setupBackend }, { FusedAdam, optimizeForTraining }, { l2Loss }, tf] =
  await Promise.all(["@acr/backbones", "@acr/backend", "@acr/kernels", "@acr/loss", "@tensorflow/tfjs-core"].map(load));

const { description } = await setupBackend({ prefer: [backend], threads: Number(threads) });
const model = createLandmarkModel({ backbone, imageSize: size, landmarkCount: 68, head: "gap", seed: 1 });
const fused = optimizeForTraining(model);
const variables = model.trainableWeights.map((weight) => weight.read());
const adam = new FusedAdam({ learningRate: 1e-4 });
const x = tf.randomUniform([batch, size, size, 3], 0, 255, "float32", 1);
const y = tf.randomUniform([batch, 68, 2], -0.5, 0.5, "float32", 2);
const step = async () => {
  const result = tf.tidy(() => {
    if (mode === "infer") return fused.apply(x, { training: false });
    const { value, grads } = tf.variableGrads(() => l2Loss(fused.apply(x, { training: true }), y), variables);
    adam.applyGradients(grads);
    return value;
  });
  const [first] = await result.data();
  result.dispose();
  return first;
};
await serve(step, batch, `${description}, Node ${process.versions.node}`);
