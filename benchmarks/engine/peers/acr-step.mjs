// A step of this project's for rounds.mjs: MODEL BATCH THREADS MODE SIZE BACKEND [FOLDER]; FOLDER is another built checkout.
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createStep } from "./create-step.js";
import { serve } from "./serve.mjs";

const [backbone, batchText, threads, mode, sizeText, backend, folder] = process.argv.slice(2);
const batch = Number(batchText);
const require = createRequire(`${folder || fileURLToPath(new URL("../../../", import.meta.url))}/package.json`);
const load = (name) => import(pathToFileURL(require.resolve(name)).href).then((module) => module.default ?? module);
const [{ createLandmarkModel }, { setupBackend }, { FusedAdam, optimizeForTraining }, { l2Loss }, tf] =
  await Promise.all(["@acr/backbones", "@acr/backend", "@acr/kernels", "@acr/loss", "@tensorflow/tfjs-core"].map(load));

const { description } = await setupBackend({ prefer: [backend], threads: Number(threads) });
const modules = { tf, createLandmarkModel, FusedAdam, optimizeForTraining, l2Loss };
const step = createStep(modules, { backbone, size: Number(sizeText), batch, mode });
await serve(step, batch, `${description}, Node ${process.versions.node}`);
