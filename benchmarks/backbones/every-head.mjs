// Every backbone with every head: 20 training steps on synthetic faces (wasm, fused kernels, ACR loss and the head's own),
// saved as tfjs, .keras and .onnx; then loaded by plain tfjs, Keras and onnxruntime, whose outputs must be equal.
//
//   npm run build && NODE_PATH=<folder with onnxruntime-node> node benchmarks/backbones/every-head.mjs [pattern] [--python <python with Keras>]
//
// A line of JSON a model goes to every-head.jsonl, replacing that model's older one; every-head-table.mjs makes the table.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { listBackbones } from "@acr/backbones";

const here = dirname(fileURLToPath(import.meta.url));
const record = join(here, "every-head.jsonl");
const args = process.argv.slice(2);
const python = args.includes("--python") ? args[args.indexOf("--python") + 1] : "python3";
const [pattern = "*"] = args.filter((arg, i) => !arg.startsWith("--") && args[i - 1] !== "--python");

for (const backbone of listBackbones(pattern)) {
  const folder = mkdtempSync(join(tmpdir(), "acr-every-head-"));
  const run = (command, ...rest) =>
    JSON.parse(execFileSync(command, rest, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1e8 }));
  try {
    const trained = run(process.execPath, join(here, "every-head-train.mjs"), backbone, folder);
    const loaded = run(process.execPath, join(here, "every-head-load.mjs"), folder);
    const inKeras = run(python, join(here, "every_head_keras.py"), folder);
    const rows = trained.map((row) => {
      const errors = { tfjs: loaded[row.head].tfjs, onnx: loaded[row.head].onnx, keras: inKeras[row.head] };
      const ok = row.lastLoss < row.firstLoss && Object.values(errors).every((error) => error < 1e-4);
      return { ...row, errors, ok };
    });
    const others = existsSync(record) ? readFileSync(record, "utf8").trim().split("\n").filter(Boolean) : [];
    const kept = others.filter((line) => JSON.parse(line).backbone !== backbone);
    writeFileSync(record, [...kept, ...rows.map((row) => JSON.stringify(row))].map((line) => `${line}\n`).join(""));
    console.log(backbone, rows.map(({ head, ok }) => `${head} ${ok ? "ok" : "FAILED"}`).join(", "));
  } catch (error) {
    console.log(backbone, "FAILED", error.message);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
