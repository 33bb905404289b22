/**
 * Memory and waiting time of the loader, each case in a process of its own: `node benchmarks/data/isolated.mjs <300w folder> [out.json]`,
 * alone on the machine, after `npm run build`. With `--case NAME <300w folder>` it is one of these processes and prints its result.
 *
 * Memory: the largest resident set less that after loading the libraries, over one epoch (COFW: over all pictures of a file of 1345 faces
 * written here). Waiting: `train` for two epochs, the first of which decodes.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { strongAugmentation } from "@acr/augment";
import {
  convertLandmarks,
  createLoader,
  open300W,
  openCofw,
  openPrepared,
  prepareDataset,
  writeCofw,
} from "@acr/datasets";

const open = (root) => open300W({ root, onWarning() {} });
const megabytes = (bytes) => Math.round(bytes / 1e6);

/** Peak of the resident set over a piece of work, in megabytes beyond what it was before. */
async function peak(work) {
  const before = process.memoryUsage.rss();
  const details = await work();
  // maxRSS is in kilobytes.
  return {
    beforeMegabytes: megabytes(before),
    addedMegabytes: megabytes(process.resourceUsage().maxRSS * 1024 - before),
    ...details,
  };
}
const epoch = async (faces, options) => {
  const loader = createLoader(faces, { batchSize: 16, imageSize: 112, augment: strongAugmentation(), ...options });
  let count = 0;
  let cached = 0;
  for await (const { size } of loader.epoch(0)) {
    count += size;
    cached = loader.cache.bytes;
  }
  await loader.close();
  return { faces: count, cachedMegabytes: megabytes(cached) };
};
const withFolder = async (work) => {
  const folder = mkdtempSync(join(os.tmpdir(), "acr-bench-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const CASES = {
  "JPEG, sharp, 2 threads, no memory for crops": async (root) => {
    const faces = await open(root);
    return peak(() => epoch(faces, { workers: 2, decoder: "sharp", cacheMegabytes: 0 }));
  },
  "JPEG, jimp, 2 threads, no memory for crops": async (root) => {
    const faces = await open(root);
    return peak(() => epoch(faces, { workers: 2, decoder: "jimp", cacheMegabytes: 0 }));
  },
  "JPEG, sharp, 2 threads, as is": async (root) => {
    const faces = await open(root);
    return peak(() => epoch(faces, { workers: 2, decoder: "sharp" }));
  },
  "prepared file, 2 threads": (root) =>
    withFolder(async (folder) => {
      const file = join(folder, "faces.acr");
      // In another process: what preparing takes is not what reading takes.
      execFileSync(process.execPath, [fileURLToPath(import.meta.url), "--case", "prepare", root, file]);
      return peak(async () => epoch(await openPrepared({ file }), { workers: 2 }));
    }),
  "COFW, all pictures of 1345 faces": (root) =>
    withFolder(async (folder) => {
      const file = join(folder, "COFW_train_color.mat");
      execFileSync(process.execPath, [fileURLToPath(import.meta.url), "--case", "cofw", root, file]);
      return peak(async () => {
        const faces = await openCofw({ train: file });
        let count = 0;
        for await (const { image } of faces) count += image.width > 0 ? 1 : 0;
        faces.close();
        return { faces: count };
      });
    }),
  waiting: (root) =>
    withFolder(async (folder) => {
      const { train } = await import("@acr/trainer");
      const epochs = [];
      const recipe = {
        ...{ dataset: "300w", root, trainSplit: "train", valSplit: "lfpw/testset" },
        ...{ backbone: "mobilenet_v2_050", imageSize: 112, epochs: 2, augmentation: "strong" },
        logs: { samplesEvery: 0, histogramsEvery: 0 },
      };
      let backend;
      for await (const event of train({ recipe, folder: join(folder, "run") })) {
        if (event.type === "start") backend = event.backend.description;
        if (event.type === "epoch")
          epochs.push({
            waitPercent: Number(event.waitPercent.toFixed(2)),
            imagesPerSecond: Math.round(event.imagesPerSecond),
          });
      }
      return { backend, epochs };
    }),
};

const parameters = process.argv.slice(2);
if (parameters[0] === "--case") {
  const [, name, root, file] = parameters;
  if (name === "prepare") await prepareDataset(await open(root), { file, imageSize: 112 });
  else if (name === "cofw") {
    const faces = await open(root);
    const labelled = async function* () {
      for (let i = 0; i < 1345; i++) {
        const face = await faces.get(i);
        const { landmarks } = convertLandmarks(face.landmarks, { from: "ibug68", to: "cofw29" });
        yield { ...face, landmarks };
      }
    };
    await writeCofw(file, labelled());
  } else console.log(JSON.stringify(await CASES[name](root)));
} else {
  const [root, out] = parameters;
  if (!root) throw new Error("usage: node benchmarks/data/isolated.mjs <300w folder> [out.json]");
  const results = Object.keys(CASES).map((name) => ({
    case: name,
    ...JSON.parse(
      execFileSync(process.execPath, [fileURLToPath(import.meta.url), "--case", name, root], { encoding: "utf8" }),
    ),
  }));
  const result = {
    machine: {
      cpu: os.cpus()[0].model,
      cores: os.availableParallelism(),
      memoryGb: Math.round(os.totalmem() / 2 ** 30),
    },
    node: process.version,
    commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim(),
    results,
  };
  console.log(JSON.stringify(result, null, 2));
  if (out) writeFileSync(out, `${JSON.stringify(result, null, 2)}\n`);
}
