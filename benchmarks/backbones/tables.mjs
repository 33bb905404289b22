// Turns the records of this folder into the tables of README.md, between its marks: node benchmarks/backbones/tables.mjs
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const at = (name) => new URL(name, import.meta.url);
const lines = (name) =>
  existsSync(at(name))
    ? readFileSync(at(name), "utf8")
        .trim()
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [];
const json = (name) => (existsSync(at(name)) ? JSON.parse(readFileSync(at(name), "utf8")) : []);
const table = (head, rows) =>
  [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
/** Speed and memory of the rows of inference that `isWanted` picks. */
const inferenceTable = (isWanted) =>
  table(
    [
      "backbone",
      "side, px",
      "M parameters",
      "M multiply-adds",
      "wasm, fused, ms",
      "wasm, plain tfjs, ms",
      "onnxruntime-node, ms",
      "fused / onnxruntime",
      "wasm, MB",
      "onnxruntime, MB",
      "error",
      "weights, MB",
      "float16, MB",
    ],
    lines("measures.jsonl")
      .filter((row) => row.what === "inference" && isWanted(row))
      .map((row) => [
        row.name,
        row.side,
        (row.parameters / 1e6).toFixed(2),
        Math.round(row.multiplyAdds / 1e6),
        row.fusedMs.toFixed(1),
        row.plainMs.toFixed(1),
        row.onnxruntimeMs.toFixed(1),
        (row.fusedMs / row.onnxruntimeMs).toFixed(1),
        Math.round(row.wasmMb),
        Math.round(row.ortMb),
        Math.max(row.fusedError, row.onnxError).toExponential(0),
        row.weightsMb.toFixed(1),
        row.float16Mb.toFixed(1),
      ]),
  );
const tables = {
  "every-head": table(
    ["backbone", "head", "loss of the first 4 steps", "of the last 4", "ms a step", "tfjs", "Keras", "onnxruntime"],
    lines("every-head.jsonl").map((row) => [
      row.backbone,
      row.head,
      row.firstLoss.toFixed(4),
      row.lastLoss.toFixed(4),
      row.millisecondsPerStep,
      ...[row.errors.tfjs, row.errors.keras, row.errors.onnx].map((error) => error.toExponential(0)),
    ]),
  ),
  inference: inferenceTable(({ side }) => side === 112),
  quantize: table(
    ["run", "weights", "MB", "NME %", "mean shift, px", "largest, px"],
    json("quantize-cost.json").map((row) => [
      `${row.backbone}, ${row.head}, ${row.loss}, ${row.epochs} epochs, ${row.imageSize} px`,
      row.quantize === "none" ? "float32" : row.quantize,
      row.megabytes.toFixed(2),
      row.nmePercent.toFixed(3),
      row.meanShiftPixels.toFixed(3),
      row.largestShiftPixels.toFixed(2),
    ]),
  ),
  memory: table(
    [
      "backbone",
      "head",
      "side, px",
      "batch",
      "trainingBytes, MB",
      "peak of the process, MB",
      "growth of wasm's memory, MB",
      "ratio",
    ],
    json("training-memory.json").map((row) => [
      row.backbone,
      row.head,
      row.imageSize,
      row.batchSize,
      row.estimateMb,
      row.residentPeakMb,
      row.wasmMb,
      row.ratio.toFixed(2),
    ]),
  ),
  browser: table(
    ["backbone", "file", "kind", "error", "after saving and loading again"],
    (json("browser.json").rows ?? []).map((row) => [
      row.backbone,
      `\`${row.file}\``,
      row.kind,
      row.error.toExponential(1),
      row.savedError === undefined ? "" : row.savedError.toExponential(0),
    ]),
  ),
  native: inferenceTable(({ side }) => side !== 112),
  torch: table(
    ["PyTorch model", "backbone", "padding, epsilon", "error"],
    (json("torch.json").rows ?? []).map((row) => [
      `${row.library} ${row.model}`,
      row.backbone,
      row.options.padding ? `${row.options.padding}, ${row.options.batchNormEpsilon}` : "its own",
      row.error.toExponential(1),
    ]),
  ),
};
let readme = readFileSync(at("README.md"), "utf8");
for (const [name, text] of Object.entries(tables)) {
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  readme = `${readme.slice(0, readme.indexOf(start) + start.length)}\n\n${text}\n\n${readme.slice(readme.indexOf(end))}`;
}
writeFileSync(at("README.md"), readme);
