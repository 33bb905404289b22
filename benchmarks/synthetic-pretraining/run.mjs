// Does pre-training on synthetic faces help? Trains on drawn faces, fine-tunes on 300-W, and trains on 300-W from random
// weights at the same number of real epochs, with the same seed. Finished runs in the out folder are not repeated.
//   node benchmarks/synthetic-pretraining/run.mjs --root DIR [--out runs/pretraining] [--faces 20000] [--epochs 1]
//     [--real-epochs 10] [--backbone mobilenet_v2_035] [--image-size 96] [--loss acr] [--seed 1]
// Prints the record as JSON.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    root: { type: "string" },
    out: { type: "string", default: "runs/pretraining" },
    faces: { type: "string", default: "20000" },
    epochs: { type: "string", default: "1" },
    "real-epochs": { type: "string", default: "10" },
    backbone: { type: "string", default: "mobilenet_v2_035" },
    "image-size": { type: "string", default: "96" },
    loss: { type: "string", default: "acr" },
    seed: { type: "string", default: "1" },
  },
});
if (!values.root) throw new Error("--root: expected the folder that holds 300-W");
const common = ["--backbone", values.backbone, "--image-size", values["image-size"], "--loss", values.loss].concat(
  ...["--batch-size", "16", "--seed", values.seed],
);
const real = ["--dataset", "300w", "--train-split", "train", "--val-split", "lfpw/testset", ...common].concat(
  ...["--epochs", values["real-epochs"]],
);
const runs = {
  "synthetic-20k": ["--dataset", "synthetic", "--set", `synthetic.trainCount=${values.faces}`, ...common].concat(
    ...["--epochs", values.epochs],
  ),
  "random-start": real,
  "fine-tuned": [...real, "--init", `${values.out}/synthetic-20k`],
};
const history = (name) =>
  readFileSync(`${values.out}/${name}/metrics.jsonl`, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const record = { commands: {}, cpu: cpus()[0].model, node: process.version, nmePercentByEpoch: {} };
for (const [name, options] of Object.entries(runs)) {
  const args = ["acr", "train", ...options, "--out", `${values.out}/${name}`];
  record.commands[name] = args.join(" ");
  const last = existsSync(`${values.out}/${name}/metrics.jsonl`) ? history(name).length : 0;
  const epochs = Number(options[options.indexOf("--epochs") + 1]);
  if (last < epochs) {
    const place = options.includes("300w") ? ["--root", values.root] : [];
    const resume = last > 0 ? ["--resume"] : [];
    const { status } = spawnSync("npx", [...args, ...place, ...resume], { stdio: ["ignore", 2, 2] });
    if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}`);
  }
  record.nmePercentByEpoch[name] = history(name).map((epoch) => epoch.nmePercent ?? epoch.validation?.nmePercent);
}
console.log(JSON.stringify(record, undefined, 2));
