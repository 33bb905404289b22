import { createLandmarkModel } from "@acr/backbones";
import { type BackendDiagnosis, type BackendInfo, type Diagnosis, doctor, setupBackend } from "@acr/backend";
import { BackendError } from "@acr/core";
import { renderTable } from "@acr/report";
import { parseRecipe, trainingLimits, trainingMemory } from "@acr/trainer";
import { Command } from "commander";
import { addWideOption } from "../internal/add-wide-option.js";
import { parsePositive } from "../internal/parsers.js";
import { printJson } from "../internal/print-json.js";
import { wrapText } from "../internal/wrap-text.js";

/** `acr doctor`: which backends work here, their versions and measured speed. */
export function doctorCommand(): Command {
  return addWideOption(new Command("doctor"))
    .description("show which backends work here, and how fast they train")
    .option("--seconds <n>", "time for measuring, all backends together", parsePositive, 10)
    .option("--limit <seconds>", "after which a backend that does not answer is given up", parsePositive, 60)
    .option("--json", "print one JSON document")
    .addHelpText(
      "after",
      "\nIn --json, memory is that of the default recipe, null where nothing works; availableBytes and largestBatch are null where the graphics processor does not tell.\n\nExample:\n  acr doctor",
    )
    .action(async ({ json, seconds, limit }: { json?: boolean; seconds: number; limit: number }) => {
      const result = await doctor({ seconds, limitSeconds: limit });
      // By name: what blocked when it was tried is not touched again.
      const memory =
        result.chosen === undefined ? null : defaultTrainingMemory(await setupBackend({ prefer: [result.chosen] }));
      if (json) printJson({ ...result, memory });
      else process.stdout.write(`${doctorText(result, memory, process.stdout.columns)}\n`);
      if (memory === null) throw new BackendError("acr doctor: no backend works here; each says above what it needs.");
    });
}

/** A table that fits into 80 columns, and under it what each backend says of itself. */
function doctorText(
  { backends, chosen, gpu }: Diagnosis,
  memory: ReturnType<typeof defaultTrainingMemory> | null,
  columns: number | undefined,
): string {
  const rows = backends.map((backend) => ({
    backend: backend.name,
    state: backend.available ? "works" : "not available",
    version: backend.version ?? "",
    threads: backend.threads ?? "",
    "training ms/image": backend.millisecondsPerImage?.toFixed(1) ?? "",
  }));
  const notes = backends.map(({ name, available, description, note, reason }) => {
    const text = (available ? [description, note].filter(Boolean).join("; ") : reason) ?? "";
    return text.toLowerCase().startsWith(name) ? text : `${name}: ${text}`;
  });
  const facts = [
    `Chosen by default: ${chosen ?? "none"}`,
    `GPU: ${gpu}`,
    `256-bit registers: ${wideText(backends)}`,
    ...(memory ? [`Memory: ${memoryText(memory)}`] : []),
  ];
  const wrapped = (lines: string[]) => lines.map((line) => wrapText(line, columns)).join("\n");
  return `${renderTable(rows, { format: "text" })}\n\n${wrapped(notes)}\n\n${wrapped(facts)}`;
}

function wideText(backends: BackendDiagnosis[]): string {
  const wasm = backends.find(({ name }) => name === "wasm");
  if (!wasm?.available) return "wasm is not available";
  if (wasm.wideRegisters === undefined) return "not asked for; --wide or ACR_WIDE_REGISTERS=1 tries them";
  return wasm.wideRegisters ? "in use" : "asked for, not in use (see the notes of wasm)";
}

function memoryText(memory: ReturnType<typeof defaultTrainingMemory>): string {
  const { backbone, imageSize, availableBytes, largestBatch } = memory;
  if (availableBytes === null) return "the graphics processor does not tell what is free";
  return `${(availableBytes / 2 ** 30).toFixed(1)} GB for training; ${backbone} at ${imageSize} px fits with batches of up to ${largestBatch}`;
}

/** What the default recipe could train here. */
function defaultTrainingMemory(backend: BackendInfo) {
  const { backbone, imageSize, batchSize } = parseRecipe({});
  const model = createLandmarkModel({ backbone, imageSize, landmarkCount: 68 });
  try {
    return { backbone, imageSize, batchSize, ...trainingMemory(model, { batchSize, ...trainingLimits(backend) }) };
  } finally {
    model.dispose();
  }
}
